import type { Clock, Ref } from '@kaitian/actors'
import type { SchedulerProtocol } from '@kaitian/scheduler'
import { takeWithin } from '../data/take-within.js'
import { batchOf, type ShardFeed, type ShardSlot } from '../data/feed.js'
import type { Batch } from '../engines/engine.js'
import { learningRate } from '../optimiser/learning-rate.js'
import type { RunSettings } from '../run/settings.js'
import { initialScales, mergeMaxima, nextScales, type Scales } from '../step/scales.js'
import { commitRange, emptyLedger, nextRange, type Ledger } from '../step/ledger.js'
import type { Plan, Vote } from '../step/plan.js'

/** Steps whose shards are packed ahead of need. */
const AHEAD = 2

export interface PlanDevice {
  readonly name: string
  readonly group: string
}

/**
 * Makes plans: which samples (the ledger), who takes how many (the scheduler),
 * where they lie (the feed), at what learning rate and scales. Moves on only
 * when a step is committed, so an attempt made again is made of the same parts.
 */
export class Planner {
  readonly #clock: Clock
  readonly #settings: RunSettings
  readonly #scheduler: Ref<typeof SchedulerProtocol>
  readonly #feed: ShardFeed
  #ledger: Ledger = emptyLedger
  #committed = 0
  #slots: readonly ShardSlot[] = []
  #scales: Scales | undefined

  constructor(
    settings: RunSettings,
    scheduler: Ref<typeof SchedulerProtocol>,
    feed: ShardFeed,
    clock: Clock,
  ) {
    this.#clock = clock
    this.#settings = settings
    this.#scheduler = scheduler
    this.#feed = feed
    if (settings.deterministic) this.#scales = initialScales(settings.buckets.length)
  }

  get ledger(): Ledger {
    return this.#ledger
  }

  async plan(generation: number, ordinal: number, devices: readonly PlanDevice[]): Promise<Plan> {
    const { dealing, task, totalSteps } = this.#settings
    const range = nextRange(dealing, this.#ledger)
    const { epoch, step, size, firstShard, shardCount } = range
    const demand = { epoch, step, size, firstShard, devices, shardSize: dealing.shard }
    const timeoutMs = this.#settings.deadlines.control
    const reply = await this.#scheduler.ask.plan(demand, { timeoutMs })
    const wanted = { epoch, first: firstShard, count: shardCount }
    this.#slots = await takeWithin(this.#clock, this.#settings.deadlines.budget, this.#feed, wanted)
    this.#prefetch()
    const shares = devices.map(({ name }) => {
      return [name, { quota: reply.quotas[name], ...reply.shards[name] }] as const
    })
    return {
      generation,
      ordinal,
      ...range,
      shares: Object.fromEntries(shares),
      learningRate: learningRate(task.optimiser, this.#committed, totalSteps),
      ...this.#scales,
      reason: reply.reason,
      moved: reply.changed,
    }
  }

  /** Where a device's shards of the plan lie. */
  slots(plan: Plan, device: string): ShardSlot[] {
    const { first, count } = plan.shares[device]
    return this.#slots.filter(({ shard }) => shard >= first && shard < first + count)
  }

  /** All samples of the plan, in the order of the shards. */
  batch(): Batch {
    return batchOf(this.#feed.layout, this.#slots)
  }

  /** Returns the epoch's committed samples, this step included. */
  commit(plan: Plan, votes: readonly Vote[]): number {
    const { dealing } = this.#settings
    const cursor = this.#ledger.cursor + plan.size
    this.#ledger = commitRange(dealing, this.#ledger, plan)
    this.#committed++
    this.#slots = []
    this.#feed.release(plan.epoch, plan.firstShard, plan.shardCount)
    this.rescale(votes)
    const times = votes.map(({ device, count, computeMs }) => {
      return { device, samples: count, computeMs }
    })
    this.#scheduler.tell.observe({ step: plan.step, times })
    return cursor
  }

  /** Sets the next attempt's scales from what this one's gradients were. */
  rescale(votes: readonly Vote[]): void {
    if (this.#scales === undefined) return
    this.#scales = nextScales(this.#scales, mergeMaxima(votes.map((vote) => vote.maxima ?? [])))
  }

  #prefetch(): void {
    const { dealing, epochs } = this.#settings
    let ledger = this.#ledger
    for (let ahead = 0; ahead < AHEAD; ahead++) {
      ledger = commitRange(dealing, ledger, nextRange(dealing, ledger))
      if (ledger.epoch >= epochs) return
      const { epoch, firstShard, shardCount } = nextRange(dealing, ledger)
      this.#feed.prefetch(epoch, firstShard, shardCount)
    }
  }
}
