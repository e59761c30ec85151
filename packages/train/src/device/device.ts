import type { Context, Handlers } from '@kaitian/actors'
import {
  loadBackend,
  type CommBackend,
  type DeviceContext,
  type Membership,
  type Region,
} from '@kaitian/comm-native'
import { isKaitianError, toKaitianError } from '@kaitian/errors'
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
import { attemptOf, type AttemptId, type Plan } from '../step/plan.js'
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
} from './protocol.js'
import { computeShare, type ShareResult } from './share.js'
import { DeviceState } from './state.js'
import { readSums } from './sums.js'

type Ctx = Context<typeof DeviceProtocol>

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
  #share: (ShareResult & { computeMs: number }) | undefined
  #factor = 1
  /** Shards that one pass may hold: fewer once memory has ended. */
  #mostShards = Infinity
  /** Samples of the largest pass that has gone well. */
  #largestPass = 0
  /** Samples that are evaluated at once: fewer once memory has ended. */
  #mostEvaluated = Infinity
  #cancelShaped = () => {}

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

  join(): Joined {
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

  /**
   * Whatever goes wrong in it the device tells itself, and first: when it has gone, the others find
   * it missing, which says nothing of why.
   */
  async plan(order: { plan: Plan; slots: ShardSlot[] }, ctx: Ctx): Promise<void> {
    try {
      await this.#compute(order, ctx)
    } catch (error) {
      const { device, trainer } = this.#args
      const { code, message } = toKaitianError(error, 'INTERNAL', `${device} failed`)
      const cause = `${device} failed: ${message}`
      trainer.tell.down({ device, cause, fault: { device, code, message } })
      throw error
    }
  }

  async #compute({ plan, slots }: { plan: Plan; slots: ShardSlot[] }, ctx: Ctx): Promise<void> {
    if (this.#follow({ kind: 'plan', plan }).kind !== 'compute') return
    const { pace } = this.#args
    const shaped = pace !== undefined || this.#factor > 1
    // Under a shaped pace nothing is marked before the shaped time is over, so
    // that the simulated wait never hides communication.
    const mark = shaped ? () => {} : this.#marker(plan)
    const share = await this.#inPasses(plan, slots, ctx, mark)
    const { ownComputeMs, count } = share
    const computeMs = shapedMs(pace, this.#factor, count, ownComputeMs)
    this.#share = { ...share, computeMs }
    if (!shaped) {
      this.#follow({ kind: 'computed', attempt: plan })
      return
    }
    // A timer, not a sleep: the mailbox stays open for an abort.
    this.#cancelShaped = ctx.clock.after(computeMs - ownComputeMs, () =>
      ctx.self.tell.shaped(attemptOf(plan)),
    )
  }

  /**
   * Computes a share in passes that memory holds: where it ends, in half as many samples at a time,
   * from then on. Sums of which a part is marked cannot be begun anew, so a pass that is larger than
   * any before marks nothing until it is through.
   */
  async #inPasses(
    { exponents }: Plan,
    slots: readonly ShardSlot[],
    { clock }: Ctx,
    mark: (collected: number) => void,
  ): Promise<ShareResult> {
    const arena = this.#arena!
    for (;;) {
      const passes = this.#passes(slots)
      const samples = Math.max(0, ...passes.map(({ count }) => count))
      const first = samples > this.#largestPass
      try {
        const early = first ? () => {} : mark
        const share = await computeShare(this.#engine, arena, passes, exponents, clock, early)
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

  shaped(attempt: AttemptId): void {
    if (this.#follow({ kind: 'computed', attempt }).kind === 'ignore') return
    if (this.#member.phase !== 'reducing') return
    this.#marker(this.#member.plan)(this.#arena!.collected)
  }

  reduced(attempt: AttemptId): void {
    const action = this.#follow({ kind: 'reduced', attempt })
    if (action.kind === 'update') this.#vote(action.plan)
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

  /** Marks buckets ready as they become final, each once, in the plan's order. */
  #marker(plan: Plan): (collected: number) => void {
    const membership = this.#membership!
    const dtype = this.#args.deterministic ? 'i64' : 'f32'
    const base = plan.ordinal * this.#buckets.length
    let marked = 0
    return (collected) => {
      for (; marked < collected; marked++) {
        const { offset, count } = this.#buckets[marked]
        const { generation } = plan
        const sequence = base + marked
        membership.ready({ sequence, op: 'sum', dtype, count, offset, generation })
      }
    }
  }

  #vote(plan: Plan): void {
    const { deterministic, device, trainer } = this.#args
    const arena = this.#arena!
    const share = this.#share!
    const region: Region = (arena.regions.i64 ?? arena.regions.f32)!
    const { sum, count } = readSums(region, this.#buckets, plan.exponents, this.#backend.kernels)
    const { first, count: shards } = plan.shares[device]
    const { digest, finite } = this.#state.update(sum, count, plan.learningRate)
    trainer.tell.vote({
      generation: plan.generation,
      epoch: plan.epoch,
      step: plan.step,
      ordinal: plan.ordinal,
      device,
      shards: Array.from({ length: shards }, (_, index) => first + index),
      count: share.count,
      idSum: share.idSum,
      reducedCount: count,
      digest,
      lossSums: share.lossSums,
      correct: share.correct,
      finite: finite && arena.finite && share.lossSums.every(Number.isFinite),
      ...(deterministic ? { maxima: arena.maxima } : {}),
      computeMs: share.computeMs,
      ownComputeMs: share.ownComputeMs,
    })
  }

  #follow(event: MemberEvent): MemberAction {
    const { state, action } = follow(this.#member, event)
    this.#member = state
    return action
  }

  #leave(): void {
    this.#cancelShaped()
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
