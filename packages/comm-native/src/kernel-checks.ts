import { refuse } from './checks.js'
import type { DType } from './dtype.js'
import type { DigestWords, SgdStep } from './types.js'

/** Arguments of the kernels. */

/** 2^±1022 are the outermost powers of two that a double holds as normal numbers. */
const EXPONENT_LIMIT = 1022

type View = Float32Array | BigInt64Array

function checkFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) refuse(`${name} must be a finite number, not ${String(value)}.`)
}

function checkF32(name: string, view: unknown): void {
  if (!(view instanceof Float32Array)) refuse(`${name} must be a Float32Array.`)
}

function checkI64(name: string, view: unknown): void {
  if (!(view instanceof BigInt64Array)) refuse(`${name} must be a BigInt64Array.`)
}

function checkLengths(views: Readonly<Record<string, View>>): void {
  const [first, ...rest] = Object.entries(views)
  for (const [name, view] of rest) {
    if (view.length === first[1].length) continue
    refuse(
      `${name} has ${view.length} elements, ${first[0]} has ${first[1].length}; give views of one length.`,
      { [name]: view.length, [first[0]]: first[1].length },
    )
  }
}

/**
 * What is written must be a view's very memory or lie apart from it: with a
 * shifted overlap the result would depend on the width of the vector unit.
 */
function checkOverlap(output: string, written: View, input: string, read: View): void {
  if (written.buffer !== read.buffer || written.byteOffset === read.byteOffset) return
  const apart =
    written.byteOffset + written.byteLength <= read.byteOffset ||
    read.byteOffset + read.byteLength <= written.byteOffset
  if (!apart) refuse(`${output} overlaps ${input} without being the same view; keep them apart.`)
}

export function checkSum(into: View, parts: readonly View[], dtype: DType): void {
  const check = dtype === 'f32' ? checkF32 : checkI64
  check('into', into)
  if (parts.length === 0) refuse('parts is empty; a sum needs at least one part.')
  parts.forEach((part, index) => {
    const name = `parts[${index}]`
    check(name, part)
    checkLengths({ into, [name]: part })
    checkOverlap('into', into, name, part)
  })
}

export function checkExponent(exponent: number): void {
  if (Number.isInteger(exponent) && Math.abs(exponent) <= EXPONENT_LIMIT) return
  refuse(`exponent must be an integer within ±${EXPONENT_LIMIT}, not ${String(exponent)}.`, {
    exponent,
  })
}

export function checkQuantise(sums: BigInt64Array, values: Float32Array, exponent: number): void {
  checkI64('sums', sums)
  checkF32('values', values)
  checkLengths({ sums, values })
  checkExponent(exponent)
}

export function checkDequantise(into: Float32Array, sums: BigInt64Array, exponent: number): void {
  checkF32('into', into)
  checkI64('sums', sums)
  checkLengths({ into, sums })
  checkExponent(exponent)
}

function checkCount(count: number): void {
  if (Number.isFinite(count) && count > 0) return
  refuse(`count must be above 0, not ${String(count)}: a step without samples has no mean.`, {
    count,
  })
}

export function checkSgd(step: SgdStep): void {
  const { weights, velocity, sum, nextWeights, nextVelocity } = step
  const inputs = { weights, velocity, sum }
  const views = { ...inputs, nextWeights, nextVelocity }
  for (const [name, view] of Object.entries(views)) checkF32(name, view)
  checkLengths(views)
  for (const [name, view] of Object.entries(inputs)) {
    checkOverlap('nextWeights', nextWeights, name, view)
    checkOverlap('nextVelocity', nextVelocity, name, view)
  }
  checkCount(step.count)
  checkFinite('learningRate', step.learningRate)
  checkFinite('momentum', step.momentum)
  checkFinite('weightDecay', step.weightDecay)
  checkWords('digest', step.digest)
}

function checkWords(name: string, words: unknown): void {
  if (words instanceof BigUint64Array && words.length === 3) return
  refuse(`${name} must be a BigUint64Array of three words.`)
}

export function checkDigest(
  into: DigestWords,
  state: Float32Array,
  velocity: Float32Array | undefined,
  first: number,
): void {
  checkWords('into', into)
  checkF32('state', state)
  if (velocity !== undefined) {
    checkF32('velocity', velocity)
    checkLengths({ state, velocity })
  }
  if (Number.isSafeInteger(first) && first >= 0) return
  refuse(`first must be a whole number ≥ 0, not ${String(first)}.`, { first })
}

export function checkRunningStatistic(
  next: Float32Array,
  running: Float32Array,
  sum: Float32Array,
  count: number,
  momentum: number,
): void {
  const views = { next, running, sum }
  for (const [name, view] of Object.entries(views)) checkF32(name, view)
  checkLengths(views)
  checkOverlap('next', next, 'running', running)
  checkOverlap('next', next, 'sum', sum)
  checkCount(count)
  checkFinite('momentum', momentum)
}
