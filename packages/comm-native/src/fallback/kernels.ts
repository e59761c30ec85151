import {
  checkDequantise,
  checkDigest,
  checkQuantise,
  checkRunningStatistic,
  checkSgd,
  checkSum,
} from '../kernel-checks.js'
import type { DigestWords, Kernels, SgdStep } from '../types.js'

/**
 * The native kernels in TypeScript, with the same bits. Two facts carry this:
 * an fp32 operation done in double and rounded by Math.fround equals the fp32
 * operation (Figueroa, ACM SIGNUM 30(3), 1995: 53 ≥ 2·24 + 2 holds for
 * + − × ÷), and a double holds every integer up to 2^53.
 *
 * 64-bit integers are added as two 32-bit lanes, about ten times faster than
 * BigInt. The lanes assume a little-endian machine, as every platform of
 * Node.js but s390x is; `assertLittleEndian` refuses the others.
 */

const TWO_32 = 2 ** 32
const TWO_52 = 2 ** 52
/** A 64-bit integer whose upper half lies in ±2^21 fits a double without rounding. */
const EXACT_HIGH = 2 ** 21

const { fround } = Math

export function assertLittleEndian(): void {
  if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) {
    throw new Error('the TypeScript kernels need a little-endian machine')
  }
}

const low = (view: BigInt64Array): Uint32Array =>
  new Uint32Array(view.buffer, view.byteOffset, view.length * 2)

const high = (view: BigInt64Array): Int32Array =>
  new Int32Array(view.buffer, view.byteOffset, view.length * 2)

function sumF32(into: Float32Array, parts: readonly Float32Array[]): void {
  checkSum(into, parts, 'f32')
  const [first, second, ...rest] = parts
  for (let i = 0; i < into.length; i++) {
    let sum = first[i]
    if (second !== undefined) sum = fround(sum + second[i])
    // All parts of one element before the store: `into` may be any of them.
    for (let part = 0; part < rest.length; part++) sum = fround(sum + rest[part][i])
    into[i] = sum
  }
}

function sumI64(into: BigInt64Array, parts: readonly BigInt64Array[]): void {
  checkSum(into, parts, 'i64')
  const [intoLow, intoHigh] = [low(into), high(into)]
  const [lows, highs] = [parts.map(low), parts.map(high)]
  for (let i = 0; i < into.length * 2; i += 2) {
    let sumLow = 0
    let sumHigh = 0
    for (let part = 0; part < parts.length; part++) {
      sumLow += lows[part][i]
      if (sumLow >= TWO_32) {
        sumLow -= TWO_32
        sumHigh++
      }
      sumHigh = (sumHigh + highs[part][i + 1]) | 0
    }
    intoLow[i] = sumLow
    intoHigh[i + 1] = sumHigh
  }
}

function quantise(sums: BigInt64Array, values: Float32Array, exponent: number): number {
  checkQuantise(sums, values, exponent)
  const scale = 2 ** exponent
  const [lows, highs] = [low(sums), high(sums)]
  let largest = 0
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i])
    if (!(magnitude * scale <= TWO_52)) return NaN
    if (magnitude > largest) largest = magnitude
    // Above 2^52 doubles are integers, so the addition itself rounds, ties to even.
    const rounded = magnitude * scale + TWO_52 - TWO_52
    const integer = values[i] < 0 ? -rounded : rounded
    const integerHigh = Math.floor(integer / TWO_32)
    const sum = lows[2 * i] + (integer - integerHigh * TWO_32)
    const carry = sum >= TWO_32 ? 1 : 0
    lows[2 * i] = sum - carry * TWO_32
    highs[2 * i + 1] = highs[2 * i + 1] + integerHigh + carry
  }
  return largest
}

function dequantise(into: Float32Array, sums: BigInt64Array, exponent: number): void {
  checkDequantise(into, sums, exponent)
  const scale = 2 ** -exponent
  const [lows, highs] = [low(sums), high(sums)]
  for (let i = 0; i < into.length; i++) {
    const upper = highs[2 * i + 1]
    let lower = lows[2 * i]
    if (upper >= EXACT_HIGH || upper < -EXACT_HIGH) {
      // Rounds to odd in bit 11 (Boldo & Melquiond, 10.1109/TC.2007.70819): the
      // double is exact, and the rounding to fp32 below remains the only one.
      lower = ((lower & ~0x7ff) | ((lower & 0x7ff) === 0 ? 0 : 0x800)) >>> 0
    }
    into[i] = (upper * TWO_32 + lower) * scale
  }
}

function sgd(step: SgdStep): void {
  checkSgd(step)
  const { weights, velocity, sum, nextWeights, nextVelocity } = step
  const count = fround(step.count)
  const learningRate = fround(step.learningRate)
  const momentum = fround(step.momentum)
  const weightDecay = fround(step.weightDecay)
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]
    const mean = fround(sum[i] / count)
    const gradient = fround(mean + fround(weightDecay * weight))
    const speed = fround(fround(momentum * velocity[i]) + gradient)
    nextVelocity[i] = speed
    nextWeights[i] = weight - fround(learningRate * speed)
  }
  digest(step.digest, nextWeights, nextVelocity, 0)
}

/** Of both sums, A and B. */
const DIGEST_KEYS = [
  [0x9e3779b1, 0x85ebca6b],
  [0xc2b2ae35, 0x27d4eb2f],
] as const
/** Products of so many elements, in parts of 33 bits, sum to less than 2^53. */
const DIGEST_BLOCK = 2 ** 19
const EXPONENT_BITS = 0x7f800000

function digest(
  into: DigestWords,
  state: Float32Array,
  velocity: Float32Array | undefined,
  first: number,
): void {
  checkDigest(into, state, velocity, first)
  const [s, v] = [bitsOf(state), velocity && bitsOf(velocity)]
  for (let from = 0; from < s.length; from += DIGEST_BLOCK) {
    const end = Math.min(from + DIGEST_BLOCK, s.length)
    for (const [index, keys] of DIGEST_KEYS.entries()) {
      into[index] += sumOfProducts(s, v, from, end, first + 1, keys)
    }
    let notFinite = 0
    for (let i = from; i < end; i++) {
      if ((s[i] & EXPONENT_BITS) === EXPONENT_BITS) notFinite++
    }
    into[2] += BigInt(notFinite)
  }
}

/** A product of 32 bits by 32, in halves that a double holds. */
function sumOfProducts(
  s: Uint32Array,
  v: Uint32Array | undefined,
  from: number,
  end: number,
  start: number,
  [a, b]: readonly [number, number],
): bigint {
  let [lower, middle, upper] = [0, 0, 0]
  for (let i = from; i < end; i++) {
    const n = (start + i) | 0
    const x = (s[i] + Math.imul(n, a)) >>> 0
    const y = ((v === undefined ? 0 : v[i]) + Math.imul(n, b)) >>> 0
    const [x0, x1, y0, y1] = [x & 0xffff, x >>> 16, y & 0xffff, y >>> 16]
    lower += x0 * y0
    middle += x1 * y0 + x0 * y1
    upper += x1 * y1
  }
  return BigInt(lower) + (BigInt(middle) << 16n) + (BigInt(upper) << 32n)
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length)
}

function runningStatistic(
  next: Float32Array,
  running: Float32Array,
  sum: Float32Array,
  count: number,
  momentum: number,
): void {
  checkRunningStatistic(next, running, sum, count, momentum)
  const divisor = fround(count)
  const taken = fround(momentum)
  const kept = fround(1 - taken)
  for (let i = 0; i < next.length; i++) {
    const mean = fround(sum[i] / divisor)
    next[i] = fround(kept * running[i]) + fround(taken * mean)
  }
}

export const kernels: Kernels = {
  sumF32,
  sumI64,
  quantise,
  dequantise,
  digest,
  sgd,
  runningStatistic,
}
