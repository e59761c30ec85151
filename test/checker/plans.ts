import type { History, PlannedStep } from './history.js'
import { nameOf } from './journal.js'
import { samplesIn, type Run } from './run.js'

/** S1: quotas are integers ≥ 0 that sum to the plan's size. Also for plans that came to nothing. */
export function checkPlans(run: Run, history: History): readonly string[] {
  return history.planned.flatMap((step) =>
    planFailures(run, step).map((failure) => `${nameOf(step.plan)}: ${failure}`),
  )
}

function planFailures(run: Run, { plan, members, cursor }: PlannedStep): readonly string[] {
  const failures: string[] = []
  const size = Math.min(run.globalBatch, run.samples - cursor)
  if (plan.size !== size) {
    failures.push(`size ${plan.size}, should be min(B, N − cursor) = ${size}`)
  }
  if (plan.firstShard !== cursor / run.shardSize) {
    failures.push(`first shard ${plan.firstShard}, should be ${cursor / run.shardSize}`)
  }
  for (const [name, map] of [
    ['quotas', plan.quotas],
    ['shards', plan.shards],
  ] as const) {
    if (!sameNames([...map.keys()], members)) failures.push(`${name} do not name every member once`)
  }
  failures.push(...quotaFailures(run, plan), ...dealFailures(run, plan))
  if (!Number.isFinite(plan.learningRate)) failures.push('the learning rate is not finite')
  if (run.mode === 'deterministic' && plan.exponents.length !== run.buckets.length) {
    failures.push(`${plan.exponents.length} exponents for ${run.buckets.length} buckets`)
  }
  return failures
}

function sameNames(names: readonly string[], others: readonly string[]): boolean {
  return names.toSorted().join() === others.toSorted().join()
}

function quotaFailures(run: Run, plan: PlannedStep['plan']): readonly string[] {
  const failures: string[] = []
  let sum = 0
  for (const [device, quota] of plan.quotas) {
    sum += quota
    if (!Number.isInteger(quota) || quota < 0) {
      failures.push(`quota ${quota} of ${device} is not an integer ≥ 0`)
    }
    const dealt = dealtTo(plan, device).reduce((total, shard) => total + samplesIn(run, shard), 0)
    if (quota !== dealt) failures.push(`quota ${quota} of ${device}, its shards hold ${dealt}`)
  }
  if (sum !== plan.size) failures.push(`quotas sum to ${sum}, not to the size ${plan.size}`)
  return failures
}

/** The step's shards are dealt out once each. */
function dealFailures(run: Run, plan: PlannedStep['plan']): readonly string[] {
  const dealt = [...plan.shards.keys()].flatMap((device) => dealtTo(plan, device))
  const wanted = Math.ceil(plan.size / run.shardSize)
  const distinct = new Set(dealt)
  const inside = dealt.every(
    (shard) => shard >= plan.firstShard && shard < plan.firstShard + wanted,
  )
  if (dealt.length === wanted && distinct.size === wanted && inside) return []
  return [`shards ${dealt.join(' ')} are dealt, not ${wanted} from ${plan.firstShard} on`]
}

/** The shards that the plan gives to a device. */
export function dealtTo(plan: PlannedStep['plan'], device: string): readonly number[] {
  const [first, count] = plan.shards.get(device) ?? [0, 0]
  // more shards than samples is nonsense, and might be too many to list
  const sound = Number.isInteger(first) && Number.isInteger(count) && count <= plan.size
  if (!sound || count < 0) return []
  return Array.from({ length: count }, (_, index) => first + index)
}
