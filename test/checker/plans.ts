import type { History, PlannedStep } from './history.js'
import { nameOf } from './journal.js'
import { samplesIn, type Run } from './run.js'

/** S1: quotas are integers ≥ 0 that sum to the plan's size. Also for plans that came to nothing. */
export function checkPlans(run: Run, history: History): readonly string[] {
  const due = exponentsDue(run, history.planned)
  return history.planned.flatMap((step, index) =>
    [...planFailures(run, step), ...exponentFailures(step.plan, due[index])].map(
      (failure) => `${nameOf(step.plan)}: ${failure}`,
    ),
  )
}

function planFailures(run: Run, { plan, members, cursor, done }: PlannedStep): readonly string[] {
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
  const rate = learningRate(run, done)
  // A loop's own rates follow no rule; the update is replayed with what the plan says.
  if (run.schedule.kind !== 'loop' && plan.learningRate !== rate) {
    failures.push(`learning rate ${plan.learningRate}, the schedule has ${rate}`)
  }
  return failures
}

function exponentFailures(
  { exponents }: PlannedStep['plan'],
  due: readonly number[] | undefined,
): readonly string[] {
  const [given, expected] = [exponents?.join(' ') ?? 'none', due?.join(' ') ?? 'none']
  return given === expected ? [] : [`exponents ${given}, due are ${expected}`]
}

/** Of a bucket in which nothing was measured yet. */
const FIRST_EXPONENT = 24
/** Where the largest of a shard lands, in bits. */
const TARGET_BITS = 44
/** How many bits of room more a bucket gets whose numbers left their range. */
const RETREAT_BITS = 16

/** The exponents of each plan; none in fp32 mode. They move when all members have said what they saw. */
function exponentsDue(
  run: Run,
  planned: readonly PlannedStep[],
): readonly (readonly number[] | undefined)[] {
  if (run.mode === 'fp32') return planned.map(() => undefined)
  let now = run.buckets.map(() => FIRST_EXPONENT)
  return planned.map(({ members, votes }) => {
    const due = now
    if (members.every((member) => votes.some(({ device }) => device === member))) {
      now = now.map((exponent, bucket) => {
        const largest = Math.max(...votes.map(({ maxima }) => maxima?.[bucket] ?? 0))
        if (largest === Infinity) return exponent - RETREAT_BITS
        return largest === 0 ? exponent : TARGET_BITS - bitsOf(largest)
      })
    }
    return due
  })
}

/** The e with 2^(e−1) ≤ value < 2^e. */
function bitsOf(value: number): number {
  let bits = Math.ceil(Math.log2(value))
  while (value >= 2 ** bits) bits++
  while (value < 2 ** (bits - 1)) bits--
  return bits
}

/**
 * Of the step after `done` commits, rounded to fp32: a straight line up to the warm-up's end, then
 * constant, or half a cosine (arXiv 1608.03983, without restarts).
 */
function learningRate({ schedule, totalSteps }: Run, done: number): number {
  const { kind, learningRate: full, warmupSteps } = schedule
  if (done < warmupSteps) return Math.fround((full * (done + 1)) / warmupSteps)
  if (kind === 'constant') return Math.fround(full)
  const part = Math.min(1, (done - warmupSteps) / Math.max(1, totalSteps - warmupSteps))
  return Math.fround(full * 0.5 * (1 + Math.cos(Math.PI * part)))
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
