import type { Clock, Context, DeferredAnswer, Handlers } from '@kaitian/actors'
import {
  loadBackend,
  type CommBackend,
  type DeviceContext,
  type Membership,
  type Region,
} from '@kaitian/comm-native'
import { isKaitianError } from '@kaitian/errors'
import { batchOf, partOf, type ShardSlot } from '../data/feed.js'
import type { Batch, BatchResult, Engine } from '../engines/engine.js'
import { engineFactory } from '../engines/registry.js'
import { defineModel } from '../model/define.js'
import type { Model } from '../model/model.js'
import { cutBuckets, flatSize, type Bucket } from '../step/buckets.js'
import {
  follow,
  outside,
  type MemberAction,
  type MemberEvent,
  type MemberState,
} from '../step/member.js'
import { attemptOf, type Assignment, type AttemptId } from '../step/plan.js'
import { parseDevice } from './address.js'
import { FloatArena, IntegerArena, type Arena } from './arena.js'
import { shapedMs } from './pace.js'
import {
  DeviceProtocol,
  type DeviceArgs,
  type DeviceInfo,
  type DeviceView,
  type Entry,
  type Joined,
  type StepOrder,
  type StepReply,
} from './protocol.js'
import { Reduction } from './reduction.js'
import { computeShare, type GivingUp, type ShareResult } from './share.js'
import { DeviceState } from './state.js'
import { readSums } from './sums.js'

type Protocol = typeof DeviceProtocol
type Ctx = Context<Protocol>
type Share = ShareResult & { readonly computeMs: number }

/**
 * One accelerator: owns its device context, its engine and its copy of the
 * state. What it may do with a message is `follow`'s decision; this class does it.
 */
export class Device implements Handlers<typeof DeviceProtocol> {
  static readonly protocol = DeviceProtocol
  readonly #args: DeviceArgs
  readonly #model: Model
  readonly #buckets: readonly Bucket[]
  #backend!: CommBackend
  #engine!: Engine
  #context!: DeviceContext
  #state!: DeviceState
  #member: MemberState = outside
  #arena: Arena | undefined
  #membership: Membership | undefined
  /** The step in hand, or the last one. */
  #stepping: Promise<void> = Promise.resolve()
  #factor = 1
  /** Shards that one pass may hold: fewer once memory has ended. */
  #mostShards = Infinity
  /** Samples of the largest pass that has gone well. */
  #largestPass = 0
  /** Samples that are evaluated at once: fewer once memory has ended. */
  #mostEvaluated = Infinity

  constructor(args: DeviceArgs) {
    this.#args = args
    this.#model = defineModel(args.model)
    this.#buckets = cutBuckets(this.#model.layout, args.bucketSize)
  }

  async start(ctx: Ctx): Promise<void> {
    const { device, engine, settings, initial, rule } = this.#args
    this.#backend = loadBackend(this.#args.backend)
    this.#context = ctx.own(this.#backend.openContext(parseDevice(device)))
    this.#state = new DeviceState(this.#context, this.#model.layout, this.#backend.kernels, rule)
    this.#state.current.state.set(initial)
    ctx.own({ dispose: () => this.#leave() })
    const create = engineFactory(engine)
    this.#engine = ctx.own(await create({ model: this.#model, clock: ctx.clock, device, settings }))
    await this.#engine.load(this.#state.current.state)
    await this.#engine.warmUp?.()
  }

  describe(): DeviceInfo {
    return {
      description: this.#engine.description,
      backend: this.#backend.description,
      regions: this.#state.regions,
    }
  }

  async join(): Promise<Joined> {
    await this.#stepping
    this.#leave()
    const options = {
      backend: this.#backend,
      device: parseDevice(this.#args.device),
      buckets: this.#buckets,
      flatSize: flatSize(this.#model.layout),
    }
    this.#arena = this.#args.deterministic ? new IntegerArena(options) : new FloatArena(options)
    return { regions: this.#arena.regions, digest: this.#state.digest() }
  }

  enter(entry: Entry): void {
    this.#membership = this.#backend.joinCommunicator(entry.ticket, entry.rank)
    this.#follow({ kind: 'enter', generation: entry.generation })
  }

  /** Answered later, so that meanwhile the device can be looked at. */
  step(order: StepOrder, ctx: Context<Protocol, 'step'>): DeferredAnswer<StepReply> {
    const answer = ctx.message.defer()
    const { reply, refuse, signal } = answer
    this.#stepping = this.#step(order, ctx.clock, signal).then(reply, refuse)
    return answer
  }

  /**
   * What fails in the collectives is an answer; what the device meets itself is thrown, and comes
   * before the others miss it, which would say nothing of why.
   */
  async #step(
    { assignment, slots }: StepOrder,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<StepReply> {
    const begun = this.#follow({ kind: 'begin', attempt: attemptOf(assignment) })
    if (begun.kind === 'ignore') return { failure: { cause: begun.cause, suspects: [] } }
    const arena = this.#arena!
    const reduction = new Reduction(this.#membership!, arena, this.#buckets, signal)
    try {
      const share = await this.#compute(assignment, slots, reduction, clock)
      this.#follow({ kind: 'computed', attempt: assignment })
      const computedAt = clock.now()
      await reduction.done()
      this.#follow({ kind: 'reduced', attempt: assignment })
      const reducedAt = clock.now()
      const result = this.#update(assignment)
      return {
        vote: {
          ...attemptOf(assignment),
          device: this.#args.device,
          shards: Array.from({ length: assignment.count }, (_, index) => assignment.first + index),
          ...share,
          ...result,
          finite: result.finite && arena.finite && share.lossSums.every(Number.isFinite),
          ...(this.#args.deterministic ? { maxima: arena.maxima } : {}),
          reduceMs: reducedAt - computedAt,
          updateMs: clock.now() - reducedAt,
        },
      }
    } catch (error) {
      const failure = reduction.failure
      if (failure === undefined) throw error
      return { failure }
    }
  }

  /** Computes, and takes at least as long as a shaped pace wants. */
  async #compute(
    { exponents }: Assignment,
    slots: readonly ShardSlot[],
    reduction: Reduction,
    clock: Clock,
  ): Promise<Share> {
    const { pace } = this.#args
    const shaped = pace !== undefined || this.#factor > 1
    // Under a shaped pace nothing is marked before the shaped time is over, so
    // that the simulated wait never hides communication.
    const mark = shaped ? () => {} : (final: number) => reduction.issue(final)
    const share = await this.#inPasses(exponents, slots, clock, mark, reduction)
    const { ownComputeMs, count } = share
    const computeMs = shapedMs(pace, this.#factor, count, ownComputeMs)
    if (shaped) {
      await clock.sleep(computeMs - ownComputeMs, reduction.signal)
      reduction.issue(this.#arena!.collected)
    }
    return { ...share, computeMs }
  }

  /**
   * Computes a share in passes that memory holds: where it ends, in half as many samples at a time,
   * from then on. Sums of which a part is marked cannot be begun anew, so a pass that is larger than
   * any before marks nothing until it is through.
   */
  async #inPasses(
    exponents: readonly number[] | undefined,
    slots: readonly ShardSlot[],
    clock: Clock,
    mark: (collected: number) => void,
    until: GivingUp,
  ): Promise<ShareResult> {
    const arena = this.#arena!
    for (;;) {
      const passes = this.#passes(slots)
      const samples = Math.max(0, ...passes.map(({ count }) => count))
      const first = samples > this.#largestPass
      try {
        const early = first ? () => {} : mark
        const share = await computeShare(
          this.#engine,
          arena,
          passes,
          exponents,
          clock,
          early,
          until,
        )
        this.#largestPass = Math.max(samples, this.#largestPass)
        if (first) mark(arena.collected)
        return share
      } catch (error) {
        const most = Math.ceil(slots.length / passes.length)
        if (!first || !isOutOfMemory(error) || most <= 1) throw error
        this.#mostShards = Math.ceil(most / 2)
      }
    }
  }

  async commit(attempt: AttemptId): Promise<void> {
    if (this.#follow({ kind: 'commit', attempt }).kind !== 'flip') return
    this.#state.flip()
    await this.#engine.load(this.#state.current.state)
  }

  discard(attempt: AttemptId): void {
    this.#follow({ kind: 'discard', attempt })
  }

  /** As with gradients, in parts that memory holds; a loss does not depend on them. */
  async evaluate({ slots }: { slots: ShardSlot[] }): Promise<BatchResult> {
    const batch = batchOf(this.#args.test, slots)
    const total = { count: 0, lossSum: 0, correct: 0 }
    while (total.count < batch.count) {
      const most = Math.min(batch.count - total.count, this.#mostEvaluated)
      try {
        const part = await this.#engine.evaluate(partOf(batch, total.count, most))
        total.count += part.count
        total.lossSum += part.lossSum
        total.correct += part.correct
      } catch (error) {
        if (!isOutOfMemory(error) || most <= 1) throw error
        this.#mostEvaluated = Math.ceil(most / 2)
      }
    }
    return total
  }

  view(): DeviceView {
    const { phase } = this.#member
    return { phase, digest: this.#state.digest(), current: this.#state.currentIndex }
  }

  slow({ factor }: { factor: number }): void {
    this.#factor = factor
  }

  /** Where layers couple samples, or bits matter, each shard is computed alone in its own shape. */
  #passes(slots: readonly ShardSlot[]): Batch[] {
    const { train, deterministic } = this.#args
    if (slots.length === 0) return []
    const alone = deterministic || this.#model.couplesSamples
    const passes = Math.max(1, Math.ceil(slots.length / (alone ? 1 : this.#mostShards)))
    const cut = (pass: number): number => Math.round((pass * slots.length) / passes)
    return Array.from({ length: passes }, (_, pass) =>
      batchOf(train, slots.slice(cut(pass), cut(pass + 1))),
    )
  }

  /** Divides the sums and optimises into the second buffer. */
  #update({ exponents, learningRate }: Assignment) {
    const { regions } = this.#arena!
    const region: Region = (regions.i64 ?? regions.f32)!
    const { sum, count } = readSums(region, this.#buckets, exponents, this.#backend.kernels)
    return { reducedCount: count, ...this.#state.update(sum, count, learningRate) }
  }

  #follow(event: MemberEvent): MemberAction {
    const { state, action } = follow(this.#member, event)
    this.#member = state
    return action
  }

  #leave(): void {
    this.#membership?.leave()
    this.#membership = undefined
    this.#arena?.dispose()
    this.#arena = undefined
    this.#follow({ kind: 'leave' })
  }
}

function isOutOfMemory(error: unknown): boolean {
  return isKaitianError(error) && error.code === 'OUT_OF_MEMORY'
}
