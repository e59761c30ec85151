import { ask, protocol, type Context, type Handlers } from '@kaitian/actors'
import {
  ELEMENT_BYTES,
  loadBackend,
  type CommunicatorTicket,
  type Data,
  type DType,
  type Membership,
  type Op,
  type Region,
} from '@kaitian/comm-native'
import { collectiveOf, type CollectiveName, type Extent } from './collectives.js'
import { elementsIn } from './elements.js'
import { countWrong, fill, patternOf, type PatternOptions } from './pattern.js'

/** Everything a rank needs to start. */
export interface RankArgs {
  readonly ticket: CommunicatorTicket
  readonly rank: number
  readonly collective: CollectiveName
  readonly dtype: DType
  readonly op?: Op
  readonly root: number
  /** Bytes of the largest size. */
  readonly capacity: number
  readonly check: boolean
}

/** Calls of one size, out of place or in place. */
export interface Series {
  readonly bytes: number
  readonly inPlace: boolean
  readonly iterations: number
  readonly warmup: number
}

export interface SeriesResult {
  /** Time of a call, as this rank saw it. */
  readonly us: number
  /** Elements of this rank's result that are not what they must be; absent when not checked. */
  readonly wrong?: number
}

export const RankProtocol = protocol({ measure: ask<Series, SeriesResult>() })

export type Expectation = typeof patternOf

interface Buffers {
  readonly send: Data
  readonly recv: Data
}

/** One member of the communicator, on a thread of its own. */
export class BenchRank implements Handlers<typeof RankProtocol> {
  static readonly protocol = RankProtocol
  readonly #args: RankArgs
  readonly #expect: Expectation
  #member!: Membership
  #regions!: readonly [Region, Region]

  /** @param expect what results are compared with */
  constructor(args: RankArgs, expect: Expectation = patternOf) {
    this.#args = args
    this.#expect = expect
  }

  start(ctx: Context<typeof RankProtocol>): void {
    const { ticket, rank, capacity } = this.#args
    const backend = loadBackend('native')
    const context = ctx.own(backend.openContext({ vendor: 'cpu', ordinal: rank }))
    this.#regions = [context.allocate('one', capacity), context.allocate('two', capacity)]
    this.#member = backend.joinCommunicator(ticket, rank)
    ctx.own({ dispose: () => this.#member.leave() })
  }

  async measure(
    { bytes, inPlace, iterations, warmup }: Series,
    { clock }: Context<typeof RankProtocol>,
  ): Promise<SeriesResult> {
    const { collective, dtype, op = 'sum', root, check } = this.#args
    const buffers = this.#buffers(bytes, inPlace)
    const call = collectiveOf(collective).prepare(this.#member, { ...buffers, dtype, op, root })
    this.#fill(buffers)
    for (let round = 0; round < warmup; round++) await call()
    await this.#member.barrier()
    const start = clock.now()
    for (let round = 0; round < iterations; round++) await call()
    const us = ((clock.now() - start) * 1000) / iterations
    if (!check) return { us }
    // In place the timed calls have worked on their own results, so that one more is checked.
    this.#fill(buffers)
    await call()
    return { us, wrong: this.#wrong(buffers.recv, bytes) }
  }

  /** In place both lie in one region: a piece where it belongs in the whole. */
  #buffers(bytes: number, inPlace: boolean): Buffers {
    const { rank, collective, dtype } = this.#args
    const { sends, receives } = collectiveOf(collective)
    const [one, two] = this.#regions
    const whole = bytes / ELEMENT_BYTES[dtype]
    const piece = bytes / this.#member.size
    const view = (region: Region, extent: Extent): Data => {
      const { buffer, byteOffset } = region
      if (extent === 'whole') return elementsIn(dtype, buffer, byteOffset, whole)
      const offset = byteOffset + (inPlace ? rank * piece : 0)
      return elementsIn(dtype, buffer, offset, piece / ELEMENT_BYTES[dtype])
    }
    if (!inPlace) return { send: view(one, sends), recv: view(two, receives) }
    const recv = view(one, receives)
    return { send: sends === receives ? recv : view(one, sends), recv }
  }

  /** Leaves nothing of earlier results that could pass for this one's. */
  #fill({ send, recv }: Buffers): void {
    new Uint8Array(recv.buffer, recv.byteOffset, recv.byteLength).fill(0xff)
    fill(send, patternOf(this.#args.rank, this.#patternOptions()))
  }

  #wrong(recv: Data, bytes: number): number {
    const { rank, collective, dtype, root } = this.#args
    const { size: ranks } = this.#member
    const count = bytes / ELEMENT_BYTES[dtype]
    const stretches = collectiveOf(collective).result({ rank, ranks, root, count })
    const options = this.#patternOptions()
    return stretches
      .map((stretch) => countWrong(recv, stretch, this.#expect(stretch.of, options)))
      .reduce((total, wrong) => total + wrong, 0)
  }

  #patternOptions(): PatternOptions {
    const { dtype, op } = this.#args
    return { dtype, op, ranks: this.#member.size }
  }
}
