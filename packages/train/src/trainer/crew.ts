import { availableParallelism } from 'node:os'
import type { Context, Down, Ref } from '@kaitian/actors'
import type { CommunicatorTicket, Region } from '@kaitian/comm-native'
import { KaitianError, ownFile } from '@kaitian/errors'
import type { Peer } from '../bridge/peering.js'
import type { FeedLayout } from '../data/feed.js'
import { Device } from '../device/device.js'
import { DeviceProtocol, type DeviceInfo, type Joined } from '../device/protocol.js'
import { Leader } from '../leader/leader.js'
import { LeaderProtocol, type BridgeArgs, type Formation } from '../leader/protocol.js'
import type { GroupOptions } from '../run/options.js'
import type { RunSettings } from '../run/settings.js'
import type { TrainerProtocol } from './protocol.js'

export type DeviceRef = Ref<typeof DeviceProtocol>
type LeaderRef = Ref<typeof LeaderProtocol>
type Ctx = Context<typeof TrainerProtocol>

export interface CrewDevice {
  readonly name: string
  readonly group: GroupOptions
  readonly ref: DeviceRef
  readonly info: DeviceInfo
}

export interface CrewOptions {
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
export class Crew {
  readonly devices = new Map<string, CrewDevice>()
  readonly #leaders = new Map<string, LeaderRef>()
  /** Where each group's bridge listens. */
  #peers: readonly Peer[] = []
  readonly #ctx: Ctx
  readonly #options: CrewOptions

  constructor(ctx: Ctx, options: CrewOptions) {
    this.#ctx = ctx
    this.#options = options
  }

  get(device: string): CrewDevice {
    return this.devices.get(device)!
  }

  /** Every device of the run in group order, then rank order: the order in which sums combine. */
  get names(): string[] {
    return this.#options.settings.groups.flatMap(({ devices }) => devices)
  }

  /** Starts all actors, some at a time; one that fails takes the run down before its first step. */
  async open(): Promise<void> {
    const { groups } = this.#options.settings
    const starts = groups.flatMap((group) => [
      () => this.#spawnLeader(group),
      ...group.devices.map((name) => () => this.#spawnDevice(group, name)),
    ])
    await startAll(starts)
    const timeoutMs = this.#options.settings.deadlines.control
    const leaders = [...this.#leaders.values()]
    const opened = await Promise.all(
      leaders.map((leader) => leader.ask.open(undefined, { timeoutMs })),
    )
    this.#peers = opened.filter((address): address is Peer => address !== null)
    await this.#connect(groups)
  }

  /**
   * Makes a generation of these devices: all leave the old one, links are
   * mended, leaders open communicators, all enter.
   *
   * @throws FormError naming who could not take part; DIGEST_MISMATCH.
   */
  async form(generation: number, names: readonly string[]): Promise<GenerationHandles> {
    const timeoutMs = this.#options.settings.deadlines.control
    const devices = names.map((name) => this.get(name))
    const joined = await each(devices, ({ name, ref }) => [
      [name],
      ref.ask.join(undefined, { timeoutMs }),
    ])
    const digest = agreedDigest(devices, joined)
    const members = devices.map((device, index) => ({ ...device, ...joined[index] }))
    const groups = this.#options.settings.groups
      .map(({ name }) => ({ name, members: members.filter(({ group }) => group.name === name) }))
      .filter((group) => group.members.length > 0)
    await this.#relink(groups)
    const common = {
      generation,
      devices: members.map(({ name }) => name),
      groups: groups.map((group) => ({ name: group.name, size: group.members.length })),
    }
    // Without a bridge one leader does for all: their memory is within its reach.
    const led = this.#bridged ? groups : [{ name: groups[0].name, members }]
    const tickets = await each(led, (group) => {
      const formation: Formation = { ...common, members: group.members }
      const leader = this.#leaders.get(group.name)!
      return [group.members.map(({ name }) => name), leader.ask.form(formation, { timeoutMs })]
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

  /** A link that was lost comes back with the next generation; one that is up is left alone. */
  async #connect(
    groups: readonly { readonly name: string }[],
    failed: (group: string, error: unknown) => unknown = (_, error) => error,
  ): Promise<void> {
    if (!this.#bridged || groups.length < 2) return
    const names = new Set(groups.map(({ name }) => name))
    const peers = this.#peers.filter(({ group }) => names.has(group))
    const timeoutMs = this.#options.settings.deadlines.control
    await Promise.all(
      groups.map(async ({ name }) => {
        try {
          await this.#leaders.get(name)!.ask.connect({ peers }, { timeoutMs })
        } catch (error) {
          throw failed(name, error)
        }
      }),
    )
  }

  /**
   * Two groups that cannot reach each other may both be healthy: nobody is suspected of it. Whose
   * leader is gone cannot take part, and would make every other generation fail as well.
   */
  async #relink(
    groups: readonly { readonly name: string; readonly members: readonly CrewDevice[] }[],
  ): Promise<void> {
    await this.#connect(groups, (group, error) => {
      const { members } = groups.find(({ name }) => name === group)!
      const suspects = isGone(error) ? members.map(({ name }) => name) : []
      return new FormError(suspects, error instanceof Error ? error.message : String(error))
    })
  }

  leadersOf(members: readonly string[]): LeaderRef[] {
    const groups = new Set(members.map((name) => this.get(name).group.name))
    return [...groups].map((group) => this.#leaders.get(group)!)
  }

  get leaders(): Iterable<LeaderRef> {
    return this.#leaders.values()
  }

  devicesOf(group: string): string[] {
    return this.#options.settings.groups
      .filter(({ name }) => name === group)
      .flatMap(({ devices }) => devices)
  }

  async #spawnLeader(group: GroupOptions): Promise<void> {
    const { settings, placement } = this.#options
    const leader = await this.#ctx.spawn(
      Leader,
      {
        group: group.name,
        backend: settings.backend,
        buckets: settings.buckets,
        dtype: settings.deterministic ? 'i64' : 'f32',
        ...(this.#bridged && { bridge: this.#bridgeArgs(group) }),
        deadlines: settings.deadlines,
        trainer: this.#ctx.self,
      },
      {
        name: `leader-${group.name}`,
        on: placement === 'inline' ? 'inline' : { thread: leaderModule() },
      },
    )
    this.#leaders.set(group.name, leader)
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
      group: group.name,
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
      bucketTarget: settings.bucketTarget,
      trainer: this.#ctx.self,
    }
    const on = placement === 'inline' ? 'inline' : { thread: deviceModule() }
    const ref = await this.#ctx.spawn(Device, args, { name: name.replace(':', '-'), on })
    const info = await ref.ask.describe(undefined, { timeoutMs: settings.deadlines.control })
    this.devices.set(name, { name, group, ref, info })
  }

  /** Calls back when a device or a leader is gone for good. */
  watch(
    onDevice: (device: string, cause: string) => void,
    onLeader: (group: string, cause: string) => void,
  ): void {
    for (const { name, ref } of this.devices.values()) {
      this.#ctx.watch(ref, (down) => onDevice(name, causeOf(name, down)))
    }
    for (const [group, ref] of this.#leaders) {
      this.#ctx.watch(ref, (down) => onLeader(group, causeOf(`the leader of ${group}`, down)))
    }
  }
}

function causeOf(name: string, { reason, error }: Down): string {
  if (reason !== 'failed' || error === undefined) return `${name} was ${reason}`
  const { message } = error.cause instanceof Error ? error.cause : error
  return `${name} failed: ${message}`
}

const deviceModule = (): URL => ownFile('./device/device.js', import.meta.url)
const leaderModule = (): URL => ownFile('./leader/leader.js', import.meta.url)

/** T5: a member takes part only with the others' bits. */
function agreedDigest(devices: readonly CrewDevice[], joined: readonly Joined[]): string {
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
    causes.push(`${sent[index][0].join(', ')}: ${String(result.reason?.message ?? result.reason)}`)
  }
  if (causes.length > 0) throw new FormError(suspects, causes.join('; '))
  return settled.map((result) => (result as PromiseFulfilledResult<R>).value)
}

/** Whoever was asked has ended. */
function isGone(error: unknown): boolean {
  const ends = ['THREAD_EXITED', 'ACTOR_STOPPED', 'ACTOR_QUARANTINED']
  return error instanceof KaitianError && ends.includes(error.code)
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
