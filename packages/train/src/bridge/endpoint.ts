import type { Clock } from '@kaitian/actors'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import { checkBegin, checkEndpoint, checkExchange } from './checks.js'
import { Exchange, ScratchPool, type ExchangeRequest, type SumKernels } from './exchange.js'
import type { Abort, Chunk } from './frame.js'
import { aborted, fromAbort, Generation, toAbort } from './generation.js'
import { randomNonce, type NonceSource } from './handshake.js'
import type { Link } from './link.js'
import { Mesh, type Peer } from './mesh.js'
import type { Landing } from './parser.js'
import { silence, watchSilence } from './silence.js'
import { tcp, type Address, type Network } from './tcp.js'

export interface EndpointOptions {
  readonly group: string
  /** Every group of the run, in group order. */
  readonly groups: readonly string[]
  /** Shared by the run's groups; 32 random bytes as text are plenty. */
  readonly secret: string
  readonly host?: string
  /** 0 for any free one. */
  readonly port?: number
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** How long a peer may be silent while something is awaited from it. */
  readonly deadlineMs: number
  readonly kernels: SumKernels
  readonly network?: Network
  readonly nonce?: NonceSource
  /** Told of every link that was turned away, for the log. */
  readonly onRefused?: (error: KaitianError) => void
}

/**
 * A group's end of the bridge: reduces over groups by direct exchange.
 *
 * The first failure in a generation (a lost link, a silent peer, a mismatch, an
 * abort from anywhere) ends it on every group: each passes it on once, so it
 * also reaches a group whose link to the failing one is held back.
 */
export interface Endpoint {
  readonly address: Address
  /** @throws AUTH_FAILED, LINK_LOST, DEADLINE_EXCEEDED */
  connect(peers: readonly Peer[]): Promise<void>
  /**
   * Starts a membership of these groups, this one included; older ones are over.
   * @throws LINK_LOST when there is no link to one of them, BAD_ARGUMENT
   */
  begin(generation: number, order: readonly string[]): void
  /**
   * Resolves when `into` holds the sum over all groups and `mine` may be written
   * again. After a rejection the socket may still read `mine` and nothing writes
   * `into`; retire that memory with the generation.
   *
   * @throws SIGNATURE_MISMATCH, DEADLINE_EXCEEDED, LINK_LOST, FRAME_INVALID,
   * COMMUNICATOR_ABORTED, BAD_ARGUMENT
   */
  exchange(request: ExchangeRequest): Promise<void>
  /** Ends a generation here and on its other groups. Sticky; no error when it is over already. */
  abort(generation: number, cause: string): void
  /** Closes port and links. Pending exchanges fail. */
  dispose(): Promise<void>
}

/** @throws PORT_IN_USE, BAD_ARGUMENT */
export async function openEndpoint(options: EndpointOptions): Promise<Endpoint> {
  checkEndpoint(options)
  const endpoint = new BridgeEndpoint(options)
  await endpoint.listen()
  return endpoint
}

class BridgeEndpoint implements Endpoint {
  readonly #options: EndpointOptions
  readonly #mesh: Mesh
  readonly #scratch = new ScratchPool()
  #current = new Generation(0, [])
  /** A peer's abort of a generation that has not begun here. */
  #early: { peer: string; abort: Abort } | undefined
  #disposed = false

  constructor(options: EndpointOptions) {
    this.#options = options
    const defaults = { host: '127.0.0.1', port: 0, network: tcp, nonce: randomNonce }
    this.#mesh = new Mesh(
      { onRefused: () => {}, ...defaults, ...options },
      {
        chunk: (link, peer, chunk, bytes) => this.#onChunk(link, peer, chunk, bytes),
        chunkEnd: (_, peer, chunk) => this.#onChunkEnd(peer, chunk),
        abort: (peer, abort) => this.#onAbort(peer, abort),
        lost: (peer, error) => this.#onLost(peer, error),
      },
    )
  }

  listen(): Promise<void> {
    return this.#mesh.listen()
  }

  get address(): Address {
    return this.#mesh.address
  }

  connect(peers: readonly Peer[]): Promise<void> {
    return this.#mesh.connect(peers)
  }

  begin(generation: number, order: readonly string[]): void {
    this.#requireOpen()
    const { group, groups } = this.#options
    checkBegin({ generation, order, group, groups, current: this.#current.number })
    for (const peer of order) {
      if (peer !== group && this.#mesh.link(peer) === undefined) throw unlinked(peer)
    }
    const old = this.#current
    this.#end(old, aborted(old.number, `generation ${generation} began`))
    this.#current = new Generation(generation, order)
    this.#mesh.generation = generation
    const early = this.#early
    this.#early = undefined
    if (early !== undefined) this.#onAbort(early.peer, early.abort)
    this.#resume()
  }

  async exchange(request: ExchangeRequest): Promise<void> {
    this.#requireOpen()
    checkExchange(request)
    const generation = this.#current
    const { generation: number, sequence } = request
    if (number < generation.number) throw aborted(number, `generation ${generation.number} began`)
    if (number > generation.number) {
      throw new KaitianError('BAD_ARGUMENT', `Begin generation ${number} before its exchanges.`)
    }
    const refused = generation.refusal(sequence)
    if (refused !== undefined) throw refused
    const { group, kernels, clock } = this.#options
    const { order } = generation
    const context = { group, order, kernels, scratch: this.#scratch, now: clock.now() }
    const exchange = new Exchange(request, context)
    generation.add(sequence, exchange)
    const unwatch = this.#watch(generation, exchange)
    try {
      exchange.startAlone()
      this.#send(exchange)
      this.#resume()
      await exchange.done
    } finally {
      unwatch()
      generation.remove(sequence)
    }
  }

  abort(generation: number, cause: string): void {
    const current = this.#current
    if (generation === current.number) this.#end(current, aborted(generation, cause))
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    this.#current.fail(aborted(this.#current.number, 'the bridge was closed'))
    await this.#mesh.dispose()
  }

  #requireOpen(): void {
    if (this.#disposed) throw new KaitianError('CANCELLED', 'The bridge was closed.')
  }

  #send(exchange: Exchange): void {
    for (let index = 0; index < exchange.chunks; index++) {
      const { chunk, payload } = exchange.outgoing(index)
      for (const peer of this.#peers(this.#current)) {
        const flushed = (): void => this.#guard(exchange, () => exchange.flushed(peer))
        this.#mesh.link(peer)?.send(chunk, payload, flushed)
      }
    }
  }

  #watch(generation: Generation, exchange: Exchange): () => void {
    const { clock, deadlineMs } = this.#options
    const { sequence } = exchange.request
    return watchSilence({
      clock,
      deadlineMs,
      awaited: () => exchange.awaited,
      heard: (peer) => Math.max(exchange.startedAt, this.#mesh.link(peer)?.lastProgress ?? 0),
      onSilent: (peers) => this.#end(generation, silence(peers, sequence, deadlineMs), sequence),
    })
  }

  /**
   * What has no place yet stays in the socket: that bounds memory, and since a
   * link carries exchanges in order, nothing that is awaited can be behind it.
   */
  #onChunk(link: Link, peer: string, chunk: Chunk, payloadBytes: number): Landing {
    const generation = this.#current
    if (chunk.generation < generation.number) return 'discard'
    if (chunk.generation > generation.number) return 'wait'
    if (generation.failed) return 'discard'
    if (!generation.order.includes(peer)) {
      const abort = toAbort(generation.number, outsider(peer), chunk.sequence)
      if (chunk.index === 0) link.sendAbort(abort)
      return 'discard'
    }
    try {
      const exchange = generation.find(peer, chunk)
      return exchange === undefined ? 'wait' : exchange.accept(peer, chunk, payloadBytes)
    } catch (error) {
      if (!(error instanceof KaitianError) || error.code !== 'SIGNATURE_MISMATCH') throw error
      // out of step, neither group can go on with any of its exchanges
      const outOfStep = error.fields['field'] === 'sequence'
      this.#end(generation, error, outOfStep ? undefined : chunk.sequence)
      return 'discard'
    }
  }

  #onChunkEnd(peer: string, chunk: Chunk): void {
    if (chunk.generation !== this.#current.number) return
    const exchange = this.#current.get(chunk.sequence)
    if (exchange !== undefined) this.#guard(exchange, () => exchange.received(peer))
  }

  /** A kernel that throws ends the generation, not the link on which the last part came. */
  #guard(exchange: Exchange, advance: () => void): void {
    const { generation, sequence } = exchange.request
    if (this.#current.get(sequence) !== exchange) return
    try {
      advance()
    } catch (error) {
      const what = `Exchange ${sequence} of generation ${generation} failed`
      this.#end(this.#current, toKaitianError(error, 'INTERNAL', what), sequence)
    }
  }

  #onAbort(peer: string, abort: Abort): void {
    const { generation, sequence } = abort
    const current = this.#current
    if (generation > current.number) {
      if (generation >= (this.#early?.abort.generation ?? 0)) this.#early = { peer, abort }
      return
    }
    if (generation < current.number || !current.order.includes(peer)) return
    const about = abort.code === 'SIGNATURE_MISMATCH' ? sequence : undefined
    this.#end(current, fromAbort(peer, abort), about)
  }

  #onLost(peer: string, error: KaitianError): void {
    if (this.#current.order.includes(peer)) this.#end(this.#current, error)
  }

  /** Fails the generation here, then tells its other groups; once. */
  #end(generation: Generation, error: KaitianError, sequence?: number): void {
    if (!generation.fail(error, sequence)) return
    const abort = toAbort(generation.number, error, sequence)
    for (const peer of this.#peers(generation)) {
      const link = this.#mesh.link(peer)
      link?.drop(generation.number)
      link?.sendAbort(abort)
    }
    this.#resume()
  }

  #resume(): void {
    for (const link of this.#mesh.links) link.resume()
  }

  #peers({ order }: Generation): string[] {
    return order.filter((group) => group !== this.#options.group)
  }
}

function unlinked(group: string): KaitianError {
  return new KaitianError(
    'LINK_LOST',
    `There is no link to group "${group}"; connect to it first, or begin without it.`,
    { fields: { group } },
  )
}

function outsider(group: string): KaitianError {
  return new KaitianError('SIGNATURE_MISMATCH', `Group "${group}" takes no part here.`, {
    fields: { group, field: 'order' },
  })
}
