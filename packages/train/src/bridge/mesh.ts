import type { Duplex } from 'node:stream'
import type { Clock } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import type { Abort, Chunk } from './frame.js'
import { Handshake, type NonceSource } from './handshake.js'
import { Link } from './link.js'
import type { Landing } from './parser.js'
import type { Address, Listener, Network } from './tcp.js'

export interface Peer extends Address {
  readonly group: string
}

export interface MeshOptions {
  readonly group: string
  /** Every group of the run, in group order. */
  readonly groups: readonly string[]
  readonly secret: string
  readonly host: string
  readonly port: number
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly deadlineMs: number
  readonly network: Network
  readonly nonce: NonceSource
  /** Told of every link that was turned away, for the log. */
  readonly onRefused: (error: KaitianError) => void
}

/** What arrives from peers that have proved who they are. */
export interface MeshEvents {
  chunk(link: Link, peer: string, chunk: Chunk, payloadBytes: number): Landing
  chunkEnd(link: Link, peer: string, chunk: Chunk): void
  abort(peer: string, abort: Abort): void
  lost(peer: string, error: KaitianError): void
}

interface Waiter {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: KaitianError): void
}

/** Connections whose handshake is under way; more are closed unheard. */
const MAX_STRANGERS = 64

/**
 * One authenticated link to every other group. The later group of the order
 * dials the earlier one, so that no pair is connected twice.
 */
export class Mesh {
  /** Told to peers in the handshake. */
  generation = 0
  readonly #options: MeshOptions
  readonly #events: MeshEvents
  readonly #links = new Map<string, Link>()
  /** Links in their handshake, with what stops their time limit. */
  readonly #strangers = new Map<Link, () => void>()
  readonly #waiters = new Map<string, Waiter>()
  /** Why the last link that claimed to be this group was turned away. */
  readonly #refusals = new Map<string, KaitianError>()
  #listener!: Listener
  #disposed = false

  constructor(options: MeshOptions, events: MeshEvents) {
    this.#options = options
    this.#events = events
  }

  /** @throws PORT_IN_USE */
  async listen(): Promise<void> {
    const { network, host, port } = this.#options
    this.#listener = await network.listen({ host, port }, (stream) => this.#accept(stream))
  }

  get address(): Address {
    return this.#listener.address
  }

  link(group: string): Link | undefined {
    return this.#links.get(group)
  }

  get links(): Iterable<Link> {
    return this.#links.values()
  }

  /**
   * Resolves when there is a link to every peer. Peers that have one are left alone.
   * @throws AUTH_FAILED, LINK_LOST, DEADLINE_EXCEEDED
   */
  async connect(peers: readonly Peer[]): Promise<void> {
    const { group, groups } = this.#options
    for (const peer of peers) {
      if (!groups.includes(peer.group)) {
        throw new KaitianError('BAD_ARGUMENT', `"${peer.group}" is no group of this run.`, {
          fields: { group: peer.group, groups },
        })
      }
    }
    const others = peers.filter((peer) => peer.group !== group && !this.#links.has(peer.group))
    await Promise.all(others.map((peer) => this.#reach(peer)))
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    this.#listener.close()
    const links = [...this.#links.values(), ...this.#strangers.keys()]
    for (const stop of this.#strangers.values()) stop()
    this.#links.clear()
    this.#strangers.clear()
    for (const peer of this.#waiters.keys()) {
      this.#give(peer, new KaitianError('CANCELLED', 'The bridge was closed while it connected.'))
    }
    await Promise.all(links.map((link) => link.dispose()))
  }

  #reach(peer: Peer): Promise<void> {
    const known = this.#waiters.get(peer.group)
    if (known !== undefined) return known.promise
    const { group, groups, clock, deadlineMs, network } = this.#options
    const { promise, ...settle } = deferred()
    const cancel = clock.after(deadlineMs, () => this.#give(peer.group, this.#absent(peer)))
    this.#waiters.set(peer.group, { promise: promise.finally(cancel), ...settle })
    if (groups.indexOf(peer.group) < groups.indexOf(group)) {
      this.#adopt(network.dial(peer), 'dialler', [peer.group])
    }
    return this.#waiters.get(peer.group)!.promise
  }

  #accept(stream: Duplex): void {
    if (this.#disposed || this.#strangers.size >= MAX_STRANGERS) {
      stream.on('error', () => {})
      stream.destroy()
      return
    }
    const { group, groups } = this.#options
    this.#adopt(stream, 'listener', groups.slice(groups.indexOf(group) + 1))
  }

  #adopt(stream: Duplex, role: 'dialler' | 'listener', peers: readonly string[]): void {
    const { group, secret, nonce, clock, deadlineMs } = this.#options
    const { generation } = this
    const handshake = new Handshake({ role, group, peers, generation, secret, nonce })
    const link = new Link(stream, handshake, clock, {
      opened: (opened) => this.#opened(opened),
      chunk: (from, chunk, bytes) => this.#events.chunk(from, from.peer!, chunk, bytes),
      chunkEnd: (from, chunk) => this.#events.chunkEnd(from, from.peer!, chunk),
      abort: (from, abort) => this.#events.abort(from.peer!, abort),
      closed: (lost, error) => this.#closed(lost, role, error),
    })
    const cancel = clock.after(deadlineMs, () => link.fail(this.#slow(link.name)))
    this.#strangers.set(link, cancel)
  }

  #opened(link: Link): void {
    const peer = link.peer!
    this.#strangers.get(link)?.()
    this.#strangers.delete(link)
    // a peer that dials again has lost the old link, even if we have not noticed
    this.#links.get(peer)?.fail(replaced(peer))
    this.#links.set(peer, link)
    this.#refusals.delete(peer)
    this.#give(peer)
  }

  #closed(link: Link, role: 'dialler' | 'listener', error: KaitianError): void {
    this.#strangers.get(link)?.()
    this.#strangers.delete(link)
    if (link.peer !== undefined) {
      if (this.#links.get(link.peer) !== link) return
      this.#links.delete(link.peer)
      this.#events.lost(link.peer, error)
      return
    }
    this.#options.onRefused(error)
    if (link.name === undefined) return
    // a stranger's claim proves nothing: it must not end our wait for the group it names
    if (role === 'listener') this.#refusals.set(link.name, error)
    else this.#give(link.name, error)
  }

  /** Ends the wait for a group. */
  #give(group: string, error?: KaitianError): void {
    const waiter = this.#waiters.get(group)
    this.#waiters.delete(group)
    if (error === undefined) waiter?.resolve()
    else waiter?.reject(error)
  }

  #absent({ group }: Peer): KaitianError {
    const refused = this.#refusals.get(group)
    return refused?.code === 'AUTH_FAILED' ? refused : this.#slow(group)
  }

  #slow(group = 'unknown'): KaitianError {
    const { deadlineMs } = this.#options
    return new KaitianError(
      'DEADLINE_EXCEEDED',
      `Group "${group}" opened no link within ${deadlineMs} ms; ` +
        'check that it runs and reaches this host, or raise the deadline.',
      { fields: { groups: [group], deadlineMs } },
    )
  }
}

function replaced(group: string): KaitianError {
  return new KaitianError(
    'LINK_LOST',
    `Group "${group}" connected anew, so its old link was closed; begin a new generation.`,
    { fields: { group } },
  )
}

function deferred(): { promise: Promise<void> } & Omit<Waiter, 'promise'> {
  let resolve!: () => void
  let reject!: (error: KaitianError) => void
  const promise = new Promise<void>((ok, fail) => {
    resolve = ok
    reject = fail
  })
  return { promise, resolve, reject }
}
