import type { Handlers, Ref, System } from '@kaitian/actors'
import { SchedulerProtocol, type PlanReply, type PlanRequest } from '@kaitian/scheduler'

/** Deals shards by fixed weights, whatever is measured: for tests that need a given split. */
export class FixedScheduler implements Handlers<typeof SchedulerProtocol> {
  static readonly protocol = SchedulerProtocol
  readonly #weights: Readonly<Record<string, number>>

  constructor(weights: Readonly<Record<string, number>>) {
    this.#weights = weights
  }

  plan({ size, shardSize, firstShard, devices }: PlanRequest): PlanReply {
    const shardCount = Math.ceil(size / shardSize)
    const given = devices.map(({ name }) => this.#weights[name] ?? 0)
    const some = given.some((weight) => weight > 0)
    const weights = some ? given : given.map(() => 1)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const quotas: Record<string, number> = {}
    const shards: Record<string, { first: number; count: number }> = {}
    let before = 0
    let from = 0
    for (const [index, { name }] of devices.entries()) {
      before += weights[index]
      const to = Math.round((before / total) * shardCount)
      shards[name] = { first: firstShard + from, count: to - from }
      quotas[name] = Math.min(size, to * shardSize) - Math.min(size, from * shardSize)
      from = to
    }
    return { quotas, shards, reason: 'fixed by the test', changed: false }
  }

  observe(): void {}

  members(): void {}
}

export function fixed(weights: Readonly<Record<string, number>>) {
  return async (system: System): Promise<Ref<typeof SchedulerProtocol>> =>
    await system.spawn(FixedScheduler, weights, { name: 'scheduler' })
}
