import { ELEMENT_BYTES, type DType, type Kernels } from '@kaitian/comm-native'
import { KaitianError } from '@kaitian/errors'
import { CHUNK_BYTES, invalid, type Chunk, type FirstChunk } from './frame.js'
import type { Landing } from './parser.js'

export interface ExchangeRequest {
  readonly generation: number
  /** Ascends within a generation; the same on all groups. */
  readonly sequence: number
  readonly dtype: DType
  /** Elements. */
  readonly count: number
  /** First element, in the groups' flat vectors; compared, not used. */
  readonly offset: number
  /** The group's own sum. Not to be written until the exchange has settled. */
  readonly mine: Uint8Array
  /** Receives the sum over all groups; apart from `mine`, or the very same bytes. */
  readonly into: Uint8Array
}

export type SumKernels = Pick<Kernels, 'sumF32' | 'sumI64'>

/** Chunk-sized buffers for parts that wait for others; the last few are kept for the next use. */
export class ScratchPool {
  readonly #free: Uint8Array[] = []

  take(byteLength: number): Uint8Array {
    if (byteLength !== CHUNK_BYTES) return new Uint8Array(byteLength)
    return this.#free.pop() ?? new Uint8Array(CHUNK_BYTES)
  }

  give(buffer: Uint8Array): void {
    if (buffer.byteLength === CHUNK_BYTES && this.#free.length < 16) this.#free.push(buffer)
  }
}

/** How far one peer's half of an exchange is. */
interface PeerProgress {
  received: number
  flushed: number
}

/**
 * One reduction between groups: direct exchange, chunk by chunk. A chunk is
 * summed as soon as every group's part of it is there, in group order (C2): not
 * "mine + theirs", which would give each group other bits.
 */
export class Exchange {
  readonly request: ExchangeRequest
  readonly startedAt: number
  readonly chunks: number
  /** Settles once: when `into` is complete and `mine` has been sent, or with the failure. */
  readonly done: Promise<void>
  readonly #group: string
  readonly #order: readonly string[]
  readonly #kernels: SumKernels
  readonly #scratch: ScratchPool
  readonly #peers = new Map<string, PeerProgress>()
  /** Parts that have landed or are landing, by chunk, then group. */
  readonly #parts: Map<string, Uint8Array>[] = []
  /** The peer whose parts land in `into`; none when `into` is `mine`. */
  readonly #direct: string | undefined
  #settle!: { resolve(): void; reject(error: Error): void }

  constructor(
    request: ExchangeRequest,
    context: {
      group: string
      order: readonly string[]
      kernels: SumKernels
      scratch: ScratchPool
      now: number
    },
  ) {
    this.request = request
    this.startedAt = context.now
    this.#group = context.group
    this.#order = context.order
    this.#kernels = context.kernels
    this.#scratch = context.scratch
    // an empty exchange still sends its signature, so that disagreement is noticed
    this.chunks = Math.max(1, Math.ceil(request.mine.byteLength / CHUNK_BYTES))
    for (const peer of context.order) {
      if (peer !== context.group) this.#peers.set(peer, { received: 0, flushed: 0 })
    }
    this.#direct = overlap(request) ? undefined : [...this.#peers.keys()][0]
    this.done = new Promise((resolve, reject) => (this.#settle = { resolve, reject }))
  }

  /** Peers whose part is not all here, or that have not taken all of ours. */
  get awaited(): string[] {
    return [...this.#peers]
      .filter(([, { received, flushed }]) => received < this.chunks || flushed < this.chunks)
      .map(([peer]) => peer)
  }

  /** Whether chunks of this peer are missing. */
  expects(peer: string): boolean {
    const progress = this.#peers.get(peer)
    return progress !== undefined && progress.received < this.chunks
  }

  /** The group's own chunk: its header, and its bytes where they lie. */
  outgoing(index: number): { chunk: Chunk; payload: Uint8Array } {
    const { generation, sequence, dtype, count, offset, mine } = this.request
    const payload = slice(mine, index)
    if (index > 0) return { chunk: { kind: 'chunk', generation, sequence, index }, payload }
    const signature = { op: 'sum', dtype, count, offset, order: this.#order.join(',') } as const
    return { chunk: { kind: 'chunk', generation, sequence, index: 0, ...signature }, payload }
  }

  /**
   * A peer's chunk is about to arrive: where to put it.
   * @throws SIGNATURE_MISMATCH (C3), FRAME_INVALID
   */
  accept(peer: string, chunk: Chunk, payloadBytes: number): Landing {
    const { received } = this.#progress(peer)
    if (chunk.index !== received || chunk.index >= this.chunks) {
      throw invalid(`Group "${peer}" sent chunk ${chunk.index} where ${received} was due`, {
        group: peer,
        sequence: chunk.sequence,
      })
    }
    if (chunk.index === 0) this.#compare(peer, chunk as FirstChunk)
    const expected = slice(this.request.mine, chunk.index).byteLength
    if (payloadBytes !== expected) {
      throw invalid(
        `Group "${peer}" sent a chunk of ${payloadBytes} bytes instead of ${expected}`,
        {
          group: peer,
          sequence: chunk.sequence,
        },
      )
    }
    const part =
      peer === this.#direct
        ? slice(this.request.into, chunk.index)
        : this.#scratch.take(payloadBytes)
    this.#partsOf(chunk.index).set(peer, part)
    return part
  }

  /** The chunk accepted last from this peer is complete. */
  received(peer: string): void {
    this.#advance(this.#progress(peer).received++)
  }

  /** The next of our chunks has left for this peer; its memory is no longer read. */
  flushed(peer: string): void {
    const index = this.#progress(peer).flushed++
    // with `into` apart from `mine` a chunk's sum does not wait for its flush, only the end does
    if (this.#direct === undefined) this.#advance(index)
    else this.#finish()
  }

  /** Sums what needs nobody else: all of it, when the group is alone. */
  startAlone(): void {
    if (this.#peers.size > 0) return
    for (let index = 0; index < this.chunks; index++) this.#combine(index)
    this.#settle.resolve()
  }

  fail(error: KaitianError): void {
    this.#settle.reject(error)
  }

  #advance(index: number): void {
    const inPlace = this.#direct === undefined
    for (const { received, flushed } of this.#peers.values()) {
      if (received <= index || (inPlace && flushed <= index)) return
    }
    this.#combine(index)
    this.#finish()
  }

  #combine(index: number): void {
    const { dtype, mine, into } = this.request
    const parts = this.#partsOf(index)
    const ordered = this.#order.map((group) =>
      group === this.#group ? slice(mine, index) : parts.get(group)!,
    )
    if (dtype === 'f32') this.#kernels.sumF32(floats(slice(into, index)), ordered.map(floats))
    else this.#kernels.sumI64(integers(slice(into, index)), ordered.map(integers))
    for (const [peer, part] of parts) if (peer !== this.#direct) this.#scratch.give(part)
    parts.clear()
  }

  #finish(): void {
    if (this.awaited.length === 0) this.#settle.resolve()
  }

  /** C3: names the first field that differs, and who says what. */
  #compare(peer: string, theirs: FirstChunk): void {
    const ours = this.outgoing(0).chunk as FirstChunk
    for (const field of ['op', 'dtype', 'count', 'offset', 'order'] as const) {
      if (theirs[field] === ours[field]) continue
      const { generation, sequence } = ours
      throw signatureMismatch(
        `In operation ${sequence} ${field} is "${theirs[field]}" on group "${peer}" ` +
          `and "${ours[field]}" on group "${this.#group}"`,
        { group: peer, field, theirs: theirs[field], ours: ours[field], generation, sequence },
      )
    }
  }

  #progress(peer: string): PeerProgress {
    return this.#peers.get(peer)!
  }

  #partsOf(index: number): Map<string, Uint8Array> {
    return (this.#parts[index] ??= new Map())
  }
}

export function signatureMismatch(what: string, fields: Record<string, unknown>): KaitianError {
  return new KaitianError(
    'SIGNATURE_MISMATCH',
    `${what}. All groups must run the same task with the same options.`,
    { fields },
  )
}

function slice(view: Uint8Array, index: number): Uint8Array {
  return view.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)
}

function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / ELEMENT_BYTES.f32)
}

function integers(bytes: Uint8Array): BigInt64Array {
  return new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / ELEMENT_BYTES.i64)
}

function overlap({ mine, into }: ExchangeRequest): boolean {
  return mine.buffer === into.buffer && mine.byteOffset === into.byteOffset
}
