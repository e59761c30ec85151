import type { Vote } from './journal.js'
import type { Tensor } from './model.js'
import { referenceGradient, type Reference } from './reference.js'
import type { Run } from './run.js'
import type { SampledStep } from './sampled-step.js'

/**
 * Relative L2 error allowed against fp64. Rounding alone stays below 1e-5; the
 * room is for ReLU kinks and pooling ties, where rounding decides which way a
 * whole gradient goes. A sample left out of 128 is far above it.
 */
const GRADIENT_TOLERANCE = 1e-3
/** A tensor whose true gradient is 0 holds rounding only; this part of the whole norm is allowed to it. */
const TENSOR_FLOOR = 1e-4
/** Softmax − 1 of a fitted sample cancels; its error in fp32, absolute. */
const PROBABILITY_ERROR = 2 ** -22
const LOSS_TOLERANCE = 1e-3
/** A logit this near to the largest may be either side of it in fp32. */
const MARGIN_ERROR = 1e-3
/** Nats a sample: fp32 cannot tell a softmax of 1 from its neighbours. */
const LOSS_FLOOR = 1e-5

export interface GradientFindings {
  readonly failures: readonly string[]
  /** Relative L2 error over all weights. */
  readonly error: number
}

/** Compares the recorded sums and losses of a step with the fp64 reference. */
export function checkGradients(run: Run, sampled: SampledStep): GradientFindings {
  const { before, inputs, labels, shardBounds, name } = sampled
  const reference = referenceGradient(
    run.model,
    run.tensors,
    before.state,
    inputs,
    labels,
    shardBounds,
  )
  const quantum = quantisationError(run, sampled)
  const relative =
    GRADIENT_TOLERANCE + (PROBABILITY_ERROR * labels.length) / Math.max(reference.residual, 1e-300)
  const failures = [
    ...compare(run, sampled, reference, quantum, 'weight', relative),
    ...compare(run, sampled, reference, quantum, 'statistic', GRADIENT_TOLERANCE),
    ...sampled.step.votes.flatMap((vote) => ballotFailures(sampled, vote, reference)),
    ...quantaFailures(run, sampled),
  ]
  const error = distance(sampled.sum, reference.sum, 0, run.weightSize)
  const length = norm(reference.sum, 0, run.weightSize)
  return {
    failures: failures.map((failure) => `${name}: ${failure}`),
    error: error === 0 ? 0 : error / length,
  }
}

/** All tensors of a role together, then one by one. */
function compare(
  run: Run,
  { sum }: SampledStep,
  { sum: exact }: Reference,
  quantum: Float64Array,
  role: Tensor['role'],
  relative: number,
): readonly string[] {
  const [from, to] = role === 'weight' ? [0, run.weightSize] : [run.weightSize, run.stateSize]
  const failures: string[] = []
  const floor = TENSOR_FLOOR * (relative / GRADIENT_TOLERANCE) * norm(exact, from, to)
  const judge = (what: string, start: number, end: number, extra: number): void => {
    const length = norm(exact, start, end)
    const error = distance(sum, exact, start, end)
    const allowed = relative * length + extra + norm(quantum, start, end)
    // the negation catches NaN
    if (error <= allowed) return
    const size = `${error.toExponential(2)} (norm ${length.toExponential(2)})`
    failures.push(`${what} differ from fp64 by ${size}, allowed ${allowed.toExponential(2)}`)
  }
  judge(role === 'weight' ? 'gradient sums' : 'statistic sums', from, to, 0)
  for (const { name, offset, size, role: own } of run.tensors) {
    if (own === role) judge(`sums of ${name}`, offset, offset + size, floor)
  }
  return failures
}

/** A device's losses and hits are those of the samples of its shards. */
function ballotFailures(
  { step, shardBounds }: SampledStep,
  vote: Vote,
  { losses, margins }: Reference,
): readonly string[] {
  const samples = vote.shards.flatMap((shard) => {
    const at = shard - step.plan.firstShard
    const [from, to] = [shardBounds[at] ?? 0, shardBounds[at + 1] ?? 0]
    return Array.from({ length: to - from }, (_, index) => from + index)
  })
  const failures: string[] = []
  const loss = samples.reduce((sum, sample) => sum + losses[sample], 0)
  const allowed = LOSS_TOLERANCE * Math.abs(loss) + LOSS_FLOOR * samples.length
  if (!(Math.abs(vote.lossSum - loss) <= allowed)) {
    failures.push(`losses of ${vote.device} sum to ${vote.lossSum}, in fp64 to ${loss}`)
  }
  const sure = samples.filter((sample) => margins[sample] > MARGIN_ERROR).length
  const possible = samples.filter((sample) => margins[sample] >= -MARGIN_ERROR).length
  if (vote.correct < sure || vote.correct > possible) {
    const range = sure === possible ? String(sure) : `${sure} to ${possible}`
    failures.push(`${vote.device} has ${vote.correct} samples right, in fp64 ${range}`)
  }
  return failures
}

/** Largest error of each element from rounding every shard to int64; zeros in fp32 mode. */
function quantisationError(run: Run, { step, shardBounds, sum }: SampledStep): Float64Array {
  const error = new Float64Array(sum.length)
  if (run.mode !== 'deterministic') return error
  for (const [index, { offset, size }] of run.buckets.entries()) {
    const half = 2 ** (-(step.plan.exponents?.[index] ?? 0) - 1)
    error.fill(half * (shardBounds.length - 1), offset, offset + size)
  }
  return error
}

/** Deterministic mode: a sum of integers, scaled back and rounded to fp32, is still a whole number of quanta. */
function quantaFailures(run: Run, { step, sum }: SampledStep): readonly string[] {
  if (run.mode !== 'deterministic') return []
  const failures: string[] = []
  for (const [index, { offset, size }] of run.buckets.entries()) {
    const exponent = step.plan.exponents?.[index] ?? 0
    const broken = sum
      .subarray(offset, offset + size)
      .findIndex((value) => !Number.isInteger(value * 2 ** exponent))
    if (broken === -1) continue
    failures.push(`sum[${offset + broken}] is no whole number of quanta 2^${-exponent}`)
  }
  return failures
}

function norm(values: Float64Array, from: number, to: number): number {
  let squares = 0
  for (let at = from; at < to; at++) squares += values[at] * values[at]
  return Math.sqrt(squares)
}

function distance(values: Float32Array, exact: Float64Array, from: number, to: number): number {
  let squares = 0
  for (let at = from; at < to; at++) squares += (values[at] - exact[at]) ** 2
  return Math.sqrt(squares)
}
