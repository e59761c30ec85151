import {
  breakShape,
  LEAST_ELASTICITY,
  observeShape,
  shapeIsKnown,
  unknownShape,
  type Shape,
} from './shape.js'

/**
 * What is believed of one device: t(b) = e^level · (ρ + b) milliseconds.
 * The level is fast and follows every step; ρ is slow and follows the quota's
 * moves. One filter for both would wind up while the quota stands still
 * (forgetting without excitation, arXiv 2004.03910).
 */
export interface Estimate {
  /** ln of the milliseconds a sample takes. */
  readonly level: number
  readonly shape: Shape
  /** Standard deviation of one log time. */
  readonly sigma: number
  /** Times the level rests on; starts again after a jump, 0: the level is out of date. */
  readonly count: number
  /** Not so while one time is all there is: it may have been a hiccup, a compiler, a cold cache. */
  readonly confirmed: boolean
  /** CUSUM of surprises towards slower and towards faster. */
  readonly slower: number
  readonly faster: number
  readonly last: LastTime
}

interface LastTime {
  readonly samples: number
  readonly logTime: number
  /** sigma before this time was counted in. */
  readonly sigma: number
}

/** One step of one device: compute only; waits and collectives would make slow links look like slow devices. */
export interface Measurement {
  readonly samples: number
  readonly computeMs: number
}

/** The parameters of t(b) = e^level · (ρ + b) alone: what a plan rests on. */
export interface Model {
  readonly level: number
  readonly rho: number
}

const FIRST_SIGMA = 0.05
/** Weight of a new time once many are known: a memory of about 24 steps. */
const LEAST_GAIN = 0.08
const SIGMA_GAIN = 0.05
/** One spike may pull the level, the CUSUM and σ only so far, in σ. */
const LEVEL_CLIP = 2.5
const CUSUM_CLIP = 4
/** By so much, in σ, a second time must be the faster one for the first to be forgotten. */
const FORGOTTEN_AT = 4
/** E|e| = 0.8σ for normal noise. */
const SIGMA_OF_MEAN_ERROR = 1.25
/** E|a − b| = 1.128σ for two of them. */
const DIFFERENCE_OF_TWO = 1.128
/** Page's CUSUM (1954): surprises below the slack are noise; two of the largest pass the limit. */
const CUSUM_SLACK = 0.75
const CUSUM_LIMIT = 6
const CUSUM_AFTER = 3

/**
 * The estimate after one more step, and by which factor the device's time
 * jumped if it did (2: twice as slow).
 *
 * @param measurement samples > 0 and computeMs > 0, both finite
 */
export function observeTime(
  estimate: Estimate | undefined,
  { samples, computeMs }: Measurement,
): { estimate: Estimate; jump?: number } {
  const logTime = Math.log(computeMs)
  if (estimate === undefined) return { estimate: firstEstimate(samples, logTime) }
  if (estimate.count === 0) return { estimate: renewed(estimate, samples, logTime) }

  if (!estimate.confirmed) {
    const forgotten = secondLook(estimate, samples, logTime)
    if (forgotten !== undefined) return forgotten
  }
  const reshaped = { ...withShape(estimate, samples, logTime), confirmed: true }
  const { shape, sigma } = reshaped
  const z = logTime - Math.log(shape.rho + samples)
  const error = z - reshaped.level
  const cusum = clip(error / sigma, CUSUM_CLIP)
  const slower = Math.max(0, reshaped.slower + cusum - CUSUM_SLACK)
  const faster = Math.max(0, reshaped.faster - cusum - CUSUM_SLACK)
  const count = reshaped.count + 1
  const nextSigma =
    sigma +
    SIGMA_GAIN * (SIGMA_OF_MEAN_ERROR * Math.min(Math.abs(error), CUSUM_CLIP * sigma) - sigma)
  const next = { ...reshaped, sigma: nextSigma, last: { samples, logTime, sigma } }

  if (Math.max(slower, faster) > CUSUM_LIMIT && count >= CUSUM_AFTER) {
    return jumped(next, reshaped.last)
  }
  const gain = Math.max(LEAST_GAIN, 1 / count)
  const level = reshaped.level + gain * sigma * clip(error / sigma, LEVEL_CLIP)
  return { estimate: { ...next, level, count, slower, faster } }
}

/** Milliseconds for `samples` samples under a model; 0 for none. */
export function timeOf(model: Model, samples: number): number {
  return samples === 0 ? 0 : Math.exp(model.level) * (model.rho + samples)
}

export function modelOf(estimate: Estimate): Model {
  return { level: estimate.level, rho: estimate.shape.rho }
}

/** What a step costs the device by itself, in milliseconds; undefined until its quota has moved. */
export function fixedMs({ level, shape }: Estimate): number | undefined {
  return shapeIsKnown(shape) ? Math.exp(level) * shape.rho : undefined
}

/**
 * The model of a device whose quota never moved, under the guess that a step alone costs it
 * `fixed` milliseconds: its time at the quota that it has stays what it was.
 */
export function guessedModel(estimate: Estimate, fixed: number): Model {
  const { samples } = estimate.last
  const ms = timeOf(modelOf(estimate), samples)
  const perSample = (ms - Math.min(fixed, (1 - LEAST_ELASTICITY) * ms)) / samples
  return { level: Math.log(perSample), rho: ms / perSample - samples }
}

/** Standard error of the level, which is the relative error of the predicted time. */
export function standardError(estimate: Estimate): number {
  const count = Math.max(1, estimate.count)
  return estimate.sigma * Math.sqrt(Math.max(1 / count, LEAST_GAIN / (2 - LEAST_GAIN)))
}

function firstEstimate(samples: number, logTime: number): Estimate {
  const shape = observeShape(unknownShape, samples, logTime, FIRST_SIGMA)
  return {
    level: logTime - Math.log(shape.rho + samples),
    shape,
    sigma: FIRST_SIGMA,
    count: 1,
    confirmed: false,
    slower: 0,
    faster: 0,
    last: { samples, logTime, sigma: FIRST_SIGMA },
  }
}

/**
 * The estimate without the first time, where no fixed cost explains by how much the second was
 * faster: only accidents slow a device down. As of two times that differ for another reason both
 * count.
 */
function secondLook(
  estimate: Estimate,
  samples: number,
  logTime: number,
): { estimate: Estimate; jump: number } | undefined {
  const { last, sigma } = estimate
  // Between the same time, if the step alone costs, and one in proportion to the samples.
  const least = last.logTime + Math.min(0, Math.log(samples / last.samples))
  if (logTime > least - FORGOTTEN_AT * sigma) return undefined
  const next = renewed(outdated(estimate), samples, logTime)
  const expected = Math.log(timeOf(modelOf(estimate), samples))
  return { estimate: { ...next, confirmed: true }, jump: Math.exp(logTime - expected) }
}

/** The estimate of a device that went without samples for long: ρ and σ hold, the level does not. */
export function outdated(estimate: Estimate): Estimate {
  return { ...estimate, shape: breakShape(estimate.shape), count: 0, slower: 0, faster: 0 }
}

function renewed(estimate: Estimate, samples: number, logTime: number): Estimate {
  const { sigma } = estimate
  const shape = observeShape(estimate.shape, samples, logTime, sigma)
  const level = logTime - Math.log(shape.rho + samples)
  // One that it had kept from samples of its own deserves more than these few.
  const confirmed = level > estimate.level - FORGOTTEN_AT * sigma
  return { ...estimate, shape, level, count: 1, confirmed, last: { samples, logTime, sigma } }
}

/** Learns the shape; the level shifts with ρ so that the time at the quota it was learnt at stays. */
function withShape(estimate: Estimate, samples: number, logTime: number): Estimate {
  const old = estimate.shape.rho
  const shape = observeShape(estimate.shape, samples, logTime, estimate.sigma)
  if (shape.rho === old) return { ...estimate, shape }
  const at = estimate.last.samples
  return { ...estimate, shape, level: estimate.level + Math.log((old + at) / (shape.rho + at)) }
}

/**
 * The estimate after a jump: its level is that of the last two times. Their
 * distance from the old level is no noise, so sigma is taken from before them
 * and learns from their difference instead.
 */
function jumped(estimate: Estimate, before: LastTime): { estimate: Estimate; jump: number } {
  const { last } = estimate
  const shape = breakShape(estimate.shape)
  const [older, newer] = [before, last].map(
    ({ samples, logTime }) => logTime - Math.log(shape.rho + samples),
  )
  const level = (older + newer) / 2
  const spread = Math.min(Math.abs(older - newer) / DIFFERENCE_OF_TWO, CUSUM_CLIP * before.sigma)
  const sigma = before.sigma + 2 * SIGMA_GAIN * (spread - before.sigma)
  const jump =
    timeOf({ level, rho: shape.rho }, last.samples) / timeOf(modelOf(estimate), last.samples)
  return { estimate: { ...estimate, shape, level, sigma, count: 2, slower: 0, faster: 0 }, jump }
}

function clip(value: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, value))
}
