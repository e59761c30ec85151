/**
 * The slow half of a device's time model: ρ, its fixed cost per step counted
 * in samples. A quota that stands still says nothing about ρ, so it is learnt
 * from moves alone: each move pairs the times before it with the times after.
 */
export interface Shape {
  /** Fixed cost in samples; the time of b samples is proportional to ρ + b. */
  readonly rho: number
  /** Moves whose effect is known, oldest first. */
  readonly pairs: readonly Pair[]
  /** Times at the quota before the last move; null: unknown, or not comparable. */
  readonly before: Run | null
  /** Times at the present quota. */
  readonly now: Run | null
}

/** Log times measured at one quota, newest last. */
interface Run {
  readonly samples: number
  readonly logs: readonly number[]
}

/** What one move of the quota showed. */
interface Pair {
  readonly from: number
  readonly to: number
  /** Difference of the median log times. */
  readonly rise: number
  readonly variance: number
}

/** A smaller change of the quota tells less than the noise hides. */
const LEAST_MOVE = 0.02
/** After how many times at a new quota the pair is weighed again; the last one is final. */
const EXAMINED_AT = [1, 4, 12]
const RUN_LENGTH = 12
/** Older moves are forgotten: a kernel's cost is only locally a straight line. */
const MOST_PAIRS = 8
/** Prior: 85% of a step's time grows with the quota; the weight is 1/variance of that guess. */
const PRIOR_ELASTICITY = 0.85
const PRIOR_WEIGHT = 25
export const LEAST_ELASTICITY = 0.15
const GRID = 86

/** Whether any move has shown it yet. */
export function shapeIsKnown({ pairs, before }: Shape): boolean {
  return pairs.length > 0 || before !== null
}

export const unknownShape: Shape = { rho: 0, pairs: [], before: null, now: null }

/**
 * The shape after one more measurement.
 *
 * @param logTime natural log of the compute time; the unit does not matter
 * @param sigma standard deviation of one log time
 */
export function observeShape(shape: Shape, samples: number, logTime: number, sigma: number): Shape {
  const next = appended(shape, samples, logTime, sigma)
  if (next.before === null || !EXAMINED_AT.includes(next.now!.logs.length)) return next
  const pairs = withPair(next, next.before, next.now!, sigma)
  const rho = fit(pairs)
  // Until it is final the pair is provisional: it moves ρ, but is not kept.
  return next.now!.logs.length < RUN_LENGTH
    ? { ...next, rho }
    : { ...next, rho, pairs, before: null }
}

/** The shape after the device's speed itself jumped: times on both sides of that do not compare. */
export function breakShape(shape: Shape): Shape {
  return { ...unknownShape, rho: fit(shape.pairs), pairs: shape.pairs }
}

function appended(shape: Shape, samples: number, logTime: number, sigma: number): Shape {
  const { now, rho } = shape
  if (now === null) return { ...shape, now: { samples, logs: [logTime] } }
  if (Math.abs(samples / now.samples - 1) < LEAST_MOVE) {
    const atSameQuota = logTime + Math.log((rho + now.samples) / (rho + samples))
    return { ...shape, now: { ...now, logs: [...now.logs, atSameQuota].slice(-RUN_LENGTH) } }
  }
  // A pair that was not final yet is kept with what is known of it.
  const pairs = shape.before === null ? shape.pairs : withPair(shape, shape.before, now, sigma)
  return { rho, pairs, before: now, now: { samples, logs: [logTime] } }
}

function withPair(shape: Shape, before: Run, now: Run, sigma: number): readonly Pair[] {
  return [...shape.pairs, pairOf(before, now, sigma)].slice(-MOST_PAIRS)
}

function pairOf(before: Run, now: Run, sigma: number): Pair {
  const median = Math.PI / 2 // a median's variance over a mean's, for normal noise
  return {
    from: before.samples,
    to: now.samples,
    rise: medianOf(now.logs) - medianOf(before.logs),
    variance: sigma ** 2 * median * (1 / before.logs.length + 1 / now.logs.length),
  }
}

/**
 * The ρ that explains the pairs best, given the prior: least squares over a
 * grid of elasticities b/(ρ+b) at the newest pair's quota. One number is
 * sought and the loss is smooth, so a grid is exact enough and cannot diverge.
 */
function fit(pairs: readonly Pair[]): number {
  if (pairs.length === 0) return unknownShape.rho
  const newest = pairs[pairs.length - 1]
  const at = Math.sqrt(newest.from * newest.to)
  let best = { loss: Infinity, rho: 0 }
  for (let i = 0; i < GRID; i++) {
    const elasticity = LEAST_ELASTICITY + ((1 - LEAST_ELASTICITY) * i) / (GRID - 1)
    const rho = (at * (1 - elasticity)) / elasticity
    let loss = PRIOR_WEIGHT * (elasticity - PRIOR_ELASTICITY) ** 2
    for (const { from, to, rise, variance } of pairs) {
      loss += (rise - Math.log((rho + to) / (rho + from))) ** 2 / variance
    }
    if (loss < best.loss) best = { loss, rho }
  }
  return best.rho
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
