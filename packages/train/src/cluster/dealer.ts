import type { Clock, Ref } from '@kaitian/actors'
import type { PlanReply, SchedulerProtocol } from '@kaitian/scheduler'
import { takeWithin } from '../data/take-within.js'
import { batchOf, type ShardFeed, type ShardSlot } from '../data/feed.js'
import type { Batch } from '../engines/engine.js'
import type { RunSettings } from '../run/settings.js'
import { commitRange, emptyLedger, nextRange, type Ledger, type StepRange } from '../step/ledger.js'
import type { Plan, Vote } from '../step/plan.js'
import { initialScales, mergeMaxima, nextScales, type Scales } from '../step/scales.js'

/** Steps whose shards are packed ahead of need, beside the one that is prepared. */
const AHEAD = 1

export interface DealtDevice {
  readonly name: string
  readonly group: string
}

/** What a plan takes time for, ready before the step is asked for. */
interface Prepared {
  readonly range: StepRange
  readonly devices: string
  readonly work: Promise<Dealt>
  dealt?: Dealt
}

interface Dealt {
  readonly reply: PlanReply
  readonly slots: readonly ShardSlot[]
}

/** An attempt at a step, and what the one who asks for it decides. */
export interface Attempt {
  readonly generation: number
  readonly ordinal: number
  readonly devices: readonly DealtDevice[]
  readonly learningRate: number
}

/**
 * Makes plans: which samples (the ledger), who takes how many (the scheduler), where they lie (the
 * feed). While a step runs the next one is prepared, by what the scheduler knew before it. Moves on
 * only when a step is committed, so an attempt made again is made of the same samples.
 */
export class Dealer {
  readonly #clock: Clock
  readonly #settings: RunSettings
  readonly #scheduler: Ref<typeof SchedulerProtocol>
  readonly #feed: ShardFeed
  #ledger: Ledger = emptyLedger
  #committed = 0
  #slots: readonly ShardSlot[] = []
  #scales: Scales | undefined
  /** Of the step that is next to be committed, and of the one after it. */
  #prepared: readonly Prepared[] = []

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

  /** At once where the step was prepared for these devices. */
  plan(attempt: Attempt): Plan | Promise<Plan> {
    const range = nextRange(this.#settings.dealing, this.#ledger)
    const prepared = this.#preparation(range, attempt.devices)
    if (prepared.dealt !== undefined) return this.#planOf(attempt, range, prepared.dealt)
    return prepared.work.then(
      (dealt) => this.#planOf(attempt, range, dealt),
      (error: unknown) => {
        this.#prepared = this.#prepared.filter((one) => one !== prepared)
        throw error
      },
    )
  }

  /** Has the step after the one under way dealt, and its samples read, by the time it is asked for. */
  prepareNext(devices: readonly DealtDevice[]): void {
    const { dealing, totalSteps } = this.#settings
    if (this.#committed + 1 >= totalSteps) return
    const next = commitRange(dealing, this.#ledger, nextRange(dealing, this.#ledger))
    // What cannot be prepared says so when it is asked for.
    this.#preparation(nextRange(dealing, next), devices).work.catch(() => {})
    this.#prefetch(next)
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
    this.#prepared = this.#prepared.filter(({ range }) => !isSame(range, plan))
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

  #preparation(range: StepRange, devices: readonly DealtDevice[]): Prepared {
    const names = devices.map(({ name }) => name).join(' ')
    const known = this.#prepared.find((one) => isSame(one.range, range))
    if (known?.devices === names) return known
    const prepared: Prepared = { range, devices: names, work: this.#deal(range, devices) }
    prepared.work.then(
      (dealt) => (prepared.dealt = dealt),
      () => {},
    )
    this.#prepared = [...this.#prepared.filter((one) => one !== known), prepared]
    return prepared
  }

  async #deal(range: StepRange, devices: readonly DealtDevice[]): Promise<Dealt> {
    const { epoch, step, size, firstShard: first, shardCount: count } = range
    const { dealing, deadlines } = this.#settings
    const demand = { epoch, step, size, firstShard: first, devices, shardSize: dealing.shard }
    const reply = await this.#scheduler.ask.plan(demand, { timeoutMs: deadlines.control })
    const wanted = { epoch, first, count }
    const slots = await takeWithin(this.#clock, deadlines.budget, this.#feed, wanted)
    return { reply, slots }
  }

  #planOf(attempt: Attempt, range: StepRange, { reply, slots }: Dealt): Plan {
    this.#slots = slots
    const shares = attempt.devices.map(({ name }) => {
      return [name, { quota: reply.quotas[name], ...reply.shards[name] }] as const
    })
    return {
      generation: attempt.generation,
      ordinal: attempt.ordinal,
      ...range,
      shares: Object.fromEntries(shares),
      learningRate: attempt.learningRate,
      ...this.#scales,
      reason: reply.reason,
      moved: reply.changed,
    }
  }

  #prefetch(from: Ledger): void {
    const { dealing, epochs } = this.#settings
    let ledger = from
    for (let ahead = 0; ahead < AHEAD; ahead++) {
      ledger = commitRange(dealing, ledger, nextRange(dealing, ledger))
      if (ledger.epoch >= epochs) return
      const { epoch, firstShard, shardCount } = nextRange(dealing, ledger)
      this.#feed.prefetch(epoch, firstShard, shardCount)
    }
  }
}

type Which = Pick<StepRange, 'epoch' | 'step'>

function isSame(one: Which, other: Which): boolean {
  return one.epoch === other.epoch && one.step === other.step
}
