import type { Socket } from 'node:net'
import { seededRandom, type Clock, type Random } from '@kaitian/actors'
import type { CommBackend, Trunk, TrunkLoss, TrunkOptions } from '@kaitian/comm-native'
import { KaitianError } from '@kaitian/errors'
import * as v from 'valibot'
import { GroupName } from './frame.js'
import { Handshake, randomNonce, type HandshakeOptions, type NonceSource } from './handshake.js'
import { tcp, type Address, type Listener, type Network } from './network.js'
import { Opening, type OpeningEvents } from './opening.js'
import { Way } from './way.js'

export interface Peer extends Address {
  readonly group: string
}

export interface PeeringOptions {
  readonly group: string
  /** Every group of the run, in the run's order: the later dials the earlier. */
  readonly groups: readonly string[]
  /** The same text for all groups; 32 random bytes are enough. */
  readonly secret: string
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** For a handshake, and for a `connect`. */
  readonly deadlineMs: number
  readonly backend: Pick<CommBackend, 'openTrunk'>
  /** The same for all groups. */
  readonly trunk?: TrunkOptions
  readonly network?: Network
  readonly nonce?: NonceSource
  /** For the waits between dials; the default differs from group to group. */
  readonly random?: Pick<Random, 'next'>
  /** Told of every connection that came to nothing, for the log. */
  readonly onRefused?: (error: KaitianError) => void
  /** The trunk carries frames, at first or again; `generation` is the peer's. */
  readonly onAttached?: (group: string, generation: number) => void
  /** The trunk carries nothing until it is attached again. */
  readonly onLost?: (group: string, loss: TrunkLoss) => void
}

/** Connections whose handshake is under way; more are closed unheard. */
const MAX_OPENINGS = 64

function ignore(): void {}

/**
 * A trunk to every other group, kept for the whole run, and the connections that they are attached
 * to: who may connect, connecting, and connecting again after a loss. The later group of the order
 * dials the earlier one, so that no pair is connected twice.
 */
export class Peering {
  /** Told to peers in the handshake. */
  generation = 0
  readonly #options: PeeringOptions
  readonly #ways: ReadonlyMap<string, Way>
  readonly #openings = new Set<Opening>()
  #listener: Listener | undefined
  #disposed: Promise<void> | undefined

  /** @throws BAD_ARGUMENT, NATIVE_LOAD_FAILED */
  constructor(options: PeeringOptions) {
    checkPeering(options)
    this.#options = { ...options, groups: [...options.groups] }
    const others = options.groups.filter((name) => name !== options.group)
    this.#ways = new Map(others.map((name) => [name, this.#openWay(name)]))
  }

  /** @throws PORT_IN_USE, BAD_CONFIG, CANCELLED */
  async listen(): Promise<void> {
    const { network = tcp, host, port } = this.#options
    this.#refuseDisposed()
    const listener = await network.listen({ host, port }, (socket) => this.#accept(socket))
    if (this.#disposed !== undefined) await listener.close()
    this.#refuseDisposed()
    this.#listener = listener
  }

  /** Where others reach this group, once `listen` has resolved. */
  get address(): Address {
    if (this.#listener !== undefined) return this.#listener.address
    throw new KaitianError('BAD_ARGUMENT', 'There is no address yet; await listen() first.')
  }

  /** The same object for the whole run. @throws BAD_ARGUMENT */
  trunk(group: string): Trunk {
    checkGroup(group, [...this.#ways.keys()])
    return this.#ways.get(group)!.trunk
  }

  /**
   * Resolves when every peer's trunk is attached; those that are, are left alone. Lets in again who
   * was kept out.
   *
   * @throws AUTH_FAILED, LINK_LOST, DEADLINE_EXCEEDED, CANCELLED, BAD_ARGUMENT
   */
  async connect(peers: readonly Peer[]): Promise<void> {
    const { group, groups } = this.#options
    for (const peer of peers) checkPeer(peer, groups)
    this.#refuseDisposed()
    const others = peers.filter((peer) => peer.group !== group)
    await Promise.all(others.map(({ group: name, ...at }) => this.#ways.get(name)!.reach(at)))
  }

  /** Closes everything; resolves when nothing is left. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#close()
    return this.#disposed
  }

  async #close(): Promise<void> {
    const listening = this.#listener?.close()
    const openings = [...this.#openings].map((opening) => opening.dispose())
    const ways = [...this.#ways.values()].map((way) => way.dispose())
    await Promise.all([listening, ...openings, ...ways])
  }

  #refuseDisposed(): void {
    if (this.#disposed === undefined) return
    throw new KaitianError('CANCELLED', 'The peering was closed; make a new one.')
  }

  #openWay(name: string): Way {
    const { group, groups, clock, deadlineMs, backend, trunk } = this.#options
    const { random = seededRandom('peering', group, name) } = this.#options
    const { onAttached = ignore, onLost = ignore } = this.#options
    const dials = groups.indexOf(name) < groups.indexOf(group)
    const dial = dials ? (to: Address) => this.#dial(name, to) : undefined
    const common = { group: name, clock, deadlineMs, random, onAttached, onLost }
    return new Way({ ...common, dial, trunk: backend.openTrunk(trunk) })
  }

  /** Returns what gives it up. */
  #dial(name: string, to: Address): () => void {
    const { network = tcp } = this.#options
    const handshake = this.#handshake({ role: 'dialler', peers: [name] })
    const opening = this.#open(network.dial(to), handshake, (error) => {
      this.#ways.get(name)!.dialFailed(error)
    })
    // Until it is gone, `dispose` has to wait for it.
    return () => void opening.dispose().then(() => this.#openings.delete(opening))
  }

  #accept(socket: Socket): void {
    if (this.#disposed !== undefined || this.#openings.size >= MAX_OPENINGS) {
      socket.on('error', ignore).destroy()
      return
    }
    const { group, groups } = this.#options
    const handshake = this.#handshake({
      role: 'listener',
      peers: groups.slice(groups.indexOf(group) + 1),
      barred: (peer) => this.#ways.get(peer)!.barred,
    })
    // A stranger's claim proves nothing: it must not end our wait for the group it names.
    this.#open(socket, handshake, (error, claimed) => {
      this.#ways.get(claimed ?? '')?.claimRefused(error)
    })
  }

  #handshake(part: Pick<HandshakeOptions, 'role' | 'peers' | 'barred'>): Handshake {
    const { group, secret, nonce = randomNonce } = this.#options
    const received = (peer: string): number => this.#ways.get(peer)!.trunk.received
    return new Handshake({ ...part, group, secret, nonce, received, generation: this.generation })
  }

  #open(
    socket: Socket,
    handshake: Handshake,
    failed: (error: KaitianError, claimed: string | undefined) => void,
  ): Opening {
    const { clock, deadlineMs, onRefused = ignore } = this.#options
    const events: OpeningEvents = {
      opened: (opening, peer, from, early) => {
        this.#openings.delete(opening)
        this.#ways.get(peer.group)!.attach(peer, from, early)
      },
      failed: (opening, error) => {
        this.#openings.delete(opening)
        onRefused(error)
        failed(error, opening.claimed)
      },
    }
    const opening = new Opening({ socket, handshake, clock, deadlineMs }, events)
    this.#openings.add(opening)
    return opening
  }
}

// Bad input is refused before a socket or a timer exists.

function refuse(sentence: string, fields: Record<string, unknown> = {}): never {
  throw new KaitianError('BAD_ARGUMENT', sentence, { fields })
}

function checkPeering(options: PeeringOptions): void {
  const { group, groups, secret, port, deadlineMs } = options
  for (const name of groups) {
    if (v.safeParse(GroupName, name).success) continue
    refuse(`"${name}" is no name for a group; use up to 64 characters, no spaces, no commas.`)
  }
  if (new Set(groups).size < groups.length) refuse('Two groups have the same name.', { groups })
  if (!groups.includes(group)) refuse(`Group "${group}" is not in the list of groups.`, { groups })
  if (secret === '') refuse('The secret is empty; give all groups the same random text.')
  checkPort(port, 0)
  if (!(deadlineMs > 0)) refuse(`deadlineMs must be above 0, not ${deadlineMs}.`, { deadlineMs })
}

function checkPeer({ group, port }: Peer, groups: readonly string[]): void {
  checkGroup(group, groups)
  checkPort(port, 1)
}

function checkGroup(group: string, groups: readonly string[]): void {
  if (groups.includes(group)) return
  refuse(`"${group}" is no group of this run, which has ${groups.join(', ')}.`, { group, groups })
}

function checkPort(port: number, least: number): void {
  if (Number.isInteger(port) && port >= least && port <= 65535) return
  refuse(`${port} is no port; use ${least} to 65535.`, { port })
}
