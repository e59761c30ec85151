import { availableParallelism } from 'node:os'
import type { Down, Ref, Spawner } from '@kaitian/actors'
import type { CommunicatorTicket, Region } from '@kaitian/comm-native'
import { KaitianError, ownFile, toKaitianError } from '@kaitian/errors'
import type { Peer } from '../bridge/peering.js'
import type { FeedLayout } from '../data/feed.js'
import { Device } from '../device/device.js'
import { DeviceProtocol, type DeviceInfo, type Joined } from '../device/protocol.js'
import { Leader } from '../leader/leader.js'
import { LeaderProtocol, type BridgeArgs, type Formation } from '../leader/protocol.js'
import type { GroupOptions } from '../run/options.js'
import type { RunSettings } from '../run/settings.js'
import type { DeviceFault } from '../step/transition.js'
import { isGone } from './gone.js'

export type DeviceRef = Ref<typeof DeviceProtocol>
type LeaderRef = Ref<typeof LeaderProtocol>

/** A device is gone for good. */
export interface Loss {
  readonly device: string
  readonly cause: string
  readonly fault?: DeviceFault
}

export interface Member {
  readonly name: string
  readonly group: GroupOptions
  readonly ref: DeviceRef
  readonly info: DeviceInfo
}

export interface MembersOptions {
  readonly settings: RunSettings
  readonly initial: Float32Array
  readonly train: FeedLayout
  readonly test: FeedLayout
  /** `inline` is for tests with sim engines; a real engine wants a thread of its own. */
  readonly placement: 'thread' | 'inline'
}

/** Devices that could not take part in a new generation, and why. */
export class FormError extends Error {
  readonly suspects: readonly string[]

  constructor(suspects: readonly string[], cause: string) {
    super(cause)
    this.suspects = suspects
  }
}

/** What a formed generation left to read: where the global sums lie, and how to abort. */
export interface GenerationHandles {
  readonly tickets: readonly CommunicatorTicket[]
  /** Sums of the whole cluster, in some member's memory. */
  readonly sums: Region
  readonly digest: string
}

/** The actors of a run: devices and leaders, by name; forms them into generations. */
export class Members {
  readonly devices = new Map<string, Member>()
  /** By group; those that are gone are not among them. */
  readonly #leaders = new Map<string, LeaderRef>()
  /** How many were started, for their names. */
  #led = 0
  /** Where each group's bridge listens. */
  #peers: readonly Peer[] = []
  #onLeaderGone: (cause: string) => void = () => {}
  readonly #spawner: Spawner
  readonly #options: MembersOptions

  constructor(spawner: Spawner, options: MembersOptions) {
    this.#spawner = spawner
    this.#options = options
  }

  get(device: string): Member {
    return this.devices.get(device)!
  }

  /** Every device of the run in group order, then rank order: the order in which sums combine. */
  get names(): string[] {
    return this.#options.settings.groups.flatMap(({ devices }) => devices)
  }

  /** Starts all actors, some at a time; one that fails takes the run down before its first step. */
  async open(): Promise<void> {
    const { groups } = this.#options.settings
    const starts = groups.flatMap((group) =>
      group.devices.map((name) => () => this.#spawnDevice(group, name)),
    )
    const leading = this.#bridged ? groups : groups.slice(0, 1)
    await startAll([...leading.map((group) => () => this.#spawnLeader(group)), ...starts])
    await this.#openLeaders()
    await this.#connect(groups)
  }

  /** Where each group that has a leader is reached. */
  async #openLeaders(): Promise<void> {
    const timeoutMs = this.#options.settings.deadlines.control
    const leaders = [...this.#leaders.keys()]
    const opened = await Promise.all(
      leaders.map((group) => this.#lead(group, ({ ask }) => ask.open(undefined, { timeoutMs }))),
    )
    this.#peers = opened.filter((address): address is Peer => address !== null)
  }

  /**
   * Leaders for these groups, new ones where they are gone. Over a bridge all are replaced when one
   * is: a link has a state at both ends, and half of it went with the one that is gone.
   *
   * @throws FormError, which suspects no device
   */
  async #replaceLeaders(needed: readonly string[]): Promise<void> {
    const missing = needed.filter((group) => !this.#leaders.has(group))
    await this.#dismissLeaders((group) => {
      return !needed.includes(group) || (this.#bridged && missing.length > 0)
    })
    if (missing.length === 0) return
    const wanted = this.#bridged ? needed : missing
    const groups = this.#options.settings.groups.filter(({ name }) => wanted.includes(name))
    try {
      await startAll(groups.map((group) => () => this.#spawnLeader(group)))
      await this.#openLeaders()
    } catch (error) {
      throw new FormError([], `no new leader could be started: ${sentenceOf(error)}`)
    }
  }

  async #dismissLeaders(isDismissed: (group: string) => boolean): Promise<void> {
    const dismissed = [...this.#leaders].filter(([group]) => isDismissed(group))
    for (const [group] of dismissed) this.#leaders.delete(group)
    await Promise.allSettled(dismissed.map(([, leader]) => this.#spawner.kill(leader)))
  }

  /**
   * Makes a generation of these devices: all leave the old one, links are
   * mended, leaders open communicators, all enter.
   *
   * @param patienceMs how long a device may be busy with what it had in hand, at least
   * @throws FormError naming who could not take part; DIGEST_MISMATCH.
   */
  async form(
    generation: number,
    names: readonly string[],
    patienceMs: (device: string) => number,
  ): Promise<GenerationHandles> {
    const timeoutMs = this.#options.settings.deadlines.control
    const devices = names.map((name) => this.get(name))
    const joined = await each(devices, ({ name, ref }) => {
      const patience = { timeoutMs: Math.max(timeoutMs, patienceMs(name)) }
      return [[name], ref.ask.join(undefined, patience)]
    })
    const digest = agreedDigest(devices, joined)
    const members = devices.map((device, index) => ({ ...device, ...joined[index] }))
    const groups = this.#options.settings.groups
      .map(({ name }) => ({ name, members: members.filter(({ group }) => group.name === name) }))
      .filter((group) => group.members.length > 0)
    // Without a bridge one leader does for all: their memory is within its reach.
    const led = this.#bridged ? groups : [{ name: groups[0].name, members }]
    await this.#replaceLeaders(led.map(({ name }) => name))
    await this.#relink(groups)
    const common = {
      generation,
      devices: members.map(({ name }) => name),
      groups: groups.map((group) => ({ name: group.name, size: group.members.length })),
    }
    const tickets = await each(led, (group) => {
      const formation: Formation = { ...common, members: group.members }
      return [[], this.#lead(group.name, ({ ask }) => ask.form(formation, { timeoutMs }))]
    })
    const entries = led.flatMap((group, index) =>
      group.members.map(({ name, ref }) => {
        const rank = common.devices.indexOf(name)
        return { name, ref, entry: { generation, rank, ticket: tickets[index] } }
      }),
    )
    await each(entries, ({ name, ref, entry }) => [[name], ref.ask.enter(entry, { timeoutMs })])
    const { regions } = joined[0]
    return { tickets, sums: (regions.i64 ?? regions.f32)!, digest }
  }

  /** Whether groups reach each other over TCP rather than through memory. */
  get #bridged(): boolean {
    const { groups, bridge } = this.#options.settings
    return bridge === 'tcp' && groups.length > 1
  }

  /**
   * A link that was lost comes back with the next generation; one that is up is left alone. Two
   * groups that cannot reach each other may both be healthy: nobody is suspected of it.
   */
  async #relink(groups: readonly { readonly name: string }[]): Promise<void> {
    try {
      await this.#connect(groups)
    } catch (error) {
      throw new FormError([], sentenceOf(error))
    }
  }

  async #connect(groups: readonly { readonly name: string }[]): Promise<void> {
    if (!this.#bridged || groups.length < 2) return
    const names = new Set(groups.map(({ name }) => name))
    const peers = this.#peers.filter(({ group }) => names.has(group))
    const timeoutMs = this.#options.settings.deadlines.control
    await Promise.all(
      groups.map(({ name }) => {
        return this.#lead(name, ({ ask }) => ask.connect({ peers }, { timeoutMs }))
      }),
    )
  }

  /**
   * Asks a group's leader. That it has gone is known here before it is told, since what is told
   * waits for the turn in hand; otherwise the next generation would ask it again.
   *
   * @throws FormError when it was gone before
   */
  async #lead<R>(group: string, ask: (leader: LeaderRef) => Promise<R>): Promise<R> {
    const leader = this.#leaders.get(group)
    if (leader === undefined) throw new FormError([], `the leader of ${group} is gone`)
    try {
      return await ask(leader)
    } catch (error) {
      if (isGone(error) && this.#leaders.get(group) === leader) {
        this.#leaders.delete(group)
        // One that only does not answer.
        void this.#spawner.kill(leader).catch(() => {})
      }
      throw error
    }
  }

  async #spawnLeader(group: GroupOptions): Promise<void> {
    const { settings, placement } = this.#options
    const leader = await this.#spawner.spawn(
      Leader,
      {
        group: group.name,
        backend: settings.backend,
        ...(this.#bridged && { bridge: this.#bridgeArgs(group) }),
        deadlines: settings.deadlines,
      },
      {
        name: `leader-${group.name}-${this.#led++}`,
        on: placement === 'inline' ? 'inline' : { thread: leaderModule() },
      },
    )
    this.#leaders.set(group.name, leader)
    this.#spawner.watch(leader, (down) => {
      if (this.#leaders.get(group.name) !== leader) return
      this.#leaders.delete(group.name)
      this.#onLeaderGone(causeOf(`the leader of ${group.name}`, down))
    })
  }

  #bridgeArgs(group: GroupOptions): BridgeArgs {
    const { groups, secret, options } = this.#options.settings
    const { ports = {} } = options
    const port = Object.hasOwn(ports, group.name) ? ports[group.name] : 0
    return { groups: groups.map(({ name }) => name), secret, host: '127.0.0.1', port }
  }

  async #spawnDevice(group: GroupOptions, name: string): Promise<void> {
    const { settings, placement, initial, train, test } = this.#options
    const args = {
      device: name,
      engine: group.engine,
      settings: group.settings ?? {},
      ...(group.pace === undefined ? {} : { pace: group.pace }),
      model: settings.task.model,
      initial,
      rule: settings.rule,
      train,
      test,
      backend: settings.backend,
      deterministic: settings.deterministic,
      bucketSize: settings.bucketSize,
    }
    const on = placement === 'inline' ? 'inline' : { thread: deviceModule() }
    const ref = await this.#spawner.spawn(Device, args, { name: name.replace(':', '-'), on })
    const info = await ref.ask.describe(undefined, { timeoutMs: settings.deadlines.control })
    this.devices.set(name, { name, group, ref, info })
  }

  /** Calls back when a device, or a leader that is in use, is gone. */
  watch(onDevice: (loss: Loss) => void, onLeader: (cause: string) => void): void {
    for (const { name, ref } of this.devices.values()) {
      this.#spawner.watch(ref, (down) => {
        const fault = faultOf(name, down)
        onDevice({ device: name, cause: causeOf(name, down), ...(fault && { fault }) })
      })
    }
    this.#onLeaderGone = onLeader
  }
}

function causeOf(name: string, down: Down): string {
  const error = ownError(down)
  return error === undefined ? `${name} was ${down.reason}` : `${name} failed: ${error.message}`
}

/** What it threw itself, if that is what ended it. */
function ownError({ reason, error }: Down): Error | undefined {
  if (reason !== 'failed' || error === undefined) return undefined
  return error.cause instanceof Error ? error.cause : error
}

function faultOf(device: string, down: Down): DeviceFault | undefined {
  const error = ownError(down)
  if (error === undefined) return undefined
  const { code, message } = toKaitianError(error, 'INTERNAL', `${device} failed`)
  // Its thread ended, which nobody chose to do.
  return code === 'THREAD_EXITED' ? undefined : { device, code, message }
}

const deviceModule = (): URL => ownFile('./device/device.js', import.meta.url)
const leaderModule = (): URL => ownFile('./leader/leader.js', import.meta.url)

/** T5: a member takes part only with the others' bits. */
function agreedDigest(devices: readonly Member[], joined: readonly Joined[]): string {
  const other = joined.findIndex(({ digest }) => digest !== joined[0].digest)
  if (other < 0) return joined[0].digest
  const names = [devices[0].name, devices[other].name]
  throw new KaitianError(
    'DIGEST_MISMATCH',
    `${names[1]} holds other parameters than ${names[0]}; this is a fault in Kaitian or in that device's memory.`,
    { fields: { devices: names } },
  )
}

/** Asks all at once; whoever fails is named, with the devices it stands for. */
async function each<T, R>(
  items: readonly T[],
  send: (item: T) => [suspects: readonly string[], reply: Promise<R>],
): Promise<R[]> {
  const sent = items.map(send)
  const settled = await Promise.allSettled(sent.map(([, reply]) => reply))
  const suspects: string[] = []
  const causes: string[] = []
  for (const [index, result] of settled.entries()) {
    if (result.status === 'fulfilled') continue
    if (!isLinkFailure(result.reason)) suspects.push(...sent[index][0])
    const names = sent[index][0].join(', ')
    causes.push(`${names === '' ? '' : `${names}: `}${sentenceOf(result.reason)}`)
  }
  if (causes.length > 0) throw new FormError(suspects, causes.join('; '))
  return settled.map((result) => (result as PromiseFulfilledResult<R>).value)
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A lost link says nothing about the one who reports it. */
function isLinkFailure(error: unknown): boolean {
  return error instanceof KaitianError && error.code === 'LINK_LOST'
}

/**
 * While a thread loads its modules it has a dozen files open, later four. Started all at once, as
 * few as 60 threads pass the usual limit of 1024; so many at a time keep the cores busy, too.
 */
const STARTED_AT_ONCE = Math.min(16, Math.max(4, availableParallelism()))

/**
 * After a failure starts no more, waits for those under way, so that nothing is still starting
 * behind it, and throws it.
 */
async function startAll(starts: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...starts]
  const failures: unknown[] = []
  const startOnes = async (): Promise<void> => {
    for (let start = waiting.shift(); start !== undefined; start = waiting.shift()) {
      try {
        await start()
      } catch (error) {
        failures.push(error)
        waiting.length = 0
      }
    }
  }
  await Promise.all(Array.from({ length: STARTED_AT_ONCE }, startOnes))
  if (failures.length > 0) throw startFailure(failures[0])
}

/** What kept an actor from starting says more than that it did not. */
function startFailure(error: unknown): unknown {
  const { cause } = error as { cause?: unknown }
  return cause instanceof KaitianError ? cause : error
}
