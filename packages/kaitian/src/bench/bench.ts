import { availableParallelism, cpus } from 'node:os'
import { createSystem, type Ref, type System } from '@kaitian/actors'
import { buildAdvice, loadBackend, type CommBackend, type Communicator } from '@kaitian/comm-native'
import { KaitianError, ownFile } from '@kaitian/errors'
import { EventEmitter } from 'eventemitter3'
import { version } from '../version.js'
import { collectiveOf } from './collectives.js'
import { rowOf, summarise, type BenchStart, type BenchSummary, type Row } from './figures.js'
import { planBench, type BenchOptions, type BenchPlan, type SizePlan } from './options.js'
import { BenchRank, type RankArgs, type RankProtocol, type SeriesResult } from './rank.js'

/** Longer than any call of a sane size takes: a rank that is gone ends the wait before. */
const DEADLINE_MS = 60_000

export type BenchEvents = EventEmitter<{
  start: (start: BenchStart) => void
  size: (row: Row) => void
  end: (summary: BenchSummary) => void
}>

type RankRef = Ref<typeof RankProtocol>

/**
 * A measurement under way. It begins by itself, so attach listeners before the
 * first `await`. Disposing ends it: a call in progress is given up.
 */
export class Bench implements AsyncDisposable {
  readonly plan: BenchPlan
  readonly events: BenchEvents = new EventEmitter()
  readonly finished: Promise<BenchSummary>
  readonly #backend: CommBackend
  readonly #rankModule: URL
  readonly #communicator: Communicator

  /**
   * @param rankModule exports `BenchRank`, for the ranks' threads
   * @throws BAD_ARGUMENT, NATIVE_LOAD_FAILED
   */
  constructor(options: BenchOptions, rankModule = ownFile('./bench/rank.js', import.meta.url)) {
    this.plan = planBench(options)
    this.#backend = nativeBackend()
    this.#rankModule = rankModule
    const members = Array.from({ length: this.plan.ranks }, (_, rank) => `cpu:${rank}`)
    this.#communicator = this.#backend.createCommunicator({
      generation: 1,
      members,
      regions: members.map(() => ({})),
      groups: options.groups,
      deadlineMs: DEADLINE_MS,
    })
    this.finished = this.#run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#communicator.abort('the measurement was ended')
    await Promise.allSettled([this.finished])
  }

  async #run(): Promise<BenchSummary> {
    const system = createSystem({ name: 'bench' })
    try {
      const ranks = await this.#spawn(system)
      this.events.emit('start', this.#start())
      const rows: Row[] = []
      for (const size of this.plan.sizes) {
        const row = await this.#measure(ranks, size)
        rows.push(row)
        this.events.emit('size', row)
      }
      const summary = summarise(rows)
      this.events.emit('end', summary)
      return summary
    } finally {
      await this.#communicator.dispose()
      await system.dispose()
    }
  }

  #spawn(system: System): Promise<RankRef[]> {
    const { ranks, sizes, collective, dtype, op, root, check } = this.plan
    const capacity = sizes.at(-1)?.bytes ?? 0
    const { ticket } = this.#communicator
    const common = { ticket, collective, dtype, root, capacity, check }
    const spawned = Array.from({ length: ranks }, (_, rank) => {
      const args: RankArgs = { ...common, rank, ...(op === undefined ? {} : { op }) }
      return system.spawn(BenchRank, args, {
        name: `rank-${rank}`,
        on: { thread: this.#rankModule },
      })
    })
    return Promise.all(spawned)
  }

  async #measure(ranks: readonly RankRef[], size: SizePlan): Promise<Row> {
    const { outOfPlace } = collectiveOf(this.plan.collective)
    const series = (inPlace: boolean): Promise<SeriesResult[]> => {
      const { bytes, iterations, warmup } = size
      const asked = ranks.map((rank) =>
        rank.ask.measure({ bytes, inPlace, iterations, warmup }).catch((error: unknown) => {
          // The others would wait for this one until the deadline.
          this.#communicator.abort('a rank has failed')
          throw error
        }),
      )
      return Promise.all(asked)
    }
    const apart = outOfPlace ? await series(false) : undefined
    return rowOf(this.plan, size, apart, await series(true))
  }

  #start(): BenchStart {
    const { sizes: _, ...options } = this.plan
    return {
      ...options,
      kaitian: version(),
      node: process.version,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      backend: this.#backend.description,
    }
  }
}

/** The fallback in TypeScript has no calls between members, and would say nothing about ours. */
function nativeBackend(): CommBackend {
  const backend = loadBackend()
  if (backend.implementation === 'native') return backend
  throw new KaitianError(
    'NATIVE_LOAD_FAILED',
    `What is measured are the native collectives, which are not there: ${backend.description}. ${buildAdvice()}.`,
  )
}
