import type { Data, DType, Op } from '@kaitian/comm-native'
import type { Folding } from './reference.js'
import { valuesOf } from './elements.js'

/** Half an ulp, relative: what one rounding to nearest costs at most. */
const HALF_ULP = { f64: 2 ** -53, f32: 2 ** -24, f16: 2 ** -11, bf16: 2 ** -8 }
/** Half of the smallest denormal: what it costs where numbers have no more bits. */
const HALF_LEAST = { f64: 0, f32: 2 ** -150, f16: 2 ** -25, bf16: 2 ** -134 }

type Float = keyof typeof HALF_ULP

/** How many roundings a result has behind it, one below another. */
interface Roundings {
  /** To what it is accumulated in: itself for f64 and f32, fp32 for f16 and bf16. */
  readonly accumulator: number
  /** To 16 bits, on the way between groups and at the end. */
  readonly half: number
}

/**
 * The bound, in half ulps of the sum of magnitudes (sum, avg) or of the result (prod, min, max),
 * against a reference of twice the bits of fp64; n ranks, g groups, G = 0 for one group, else g.
 *
 *            f64, f32   f16, bf16 (fp32 | own)   f32 over a bf16 wire, g > 1 (fp32 | bf16)
 *   sum      n − 1      n − 1 | 1 + (G > 0)      n − 1 | 1
 *   avg      n          n     | 1 + (G > 0)      n     | 1
 *   prod     n − 1      n − 1 | 1 + G            n − 1 | g
 *   min, max 0          0     | 0                0     | 1
 *
 * n ranks are n − 1 additions in whatever grouping, each rounded once, and each by at most half an
 * ulp of a partial sum, which the sum of magnitudes bounds. The mean is one division more. A
 * 16-bit type is rounded once per group and once at the end: in a sum the groups' errors add up to
 * one rounding of the magnitudes, in a product each is relative to the whole. Minimum and maximum
 * round nothing, but a narrower wire does, once, monotonically.
 */
function roundingsOf({ op, dtype, groups, wire }: Folding, ranks: number): Roundings {
  const several = groups.length > 1
  const narrow = several && dtype === 'f32' && wire === 'bf16'
  const half = dtype === 'f16' || dtype === 'bf16'
  if (op === 'min' || op === 'max') return { accumulator: 0, half: narrow ? 1 : 0 }
  const between = several && (half || narrow) ? (op === 'prod' ? groups.length : 1) : 0
  return { accumulator: op === 'avg' ? ranks : ranks - 1, half: between + (half ? 1 : 0) }
}

/** Index of the first element of a result that is further from the truth than it may be, or −1. */
export function firstBeyond(
  folding: Folding,
  parts: readonly Data[],
  result: Data,
  exactly: boolean,
): number {
  const dtype = folding.dtype as Float
  const values = parts.map((part) => valuesOf(dtype, part) as Float64Array | Float32Array)
  const found = valuesOf(dtype, result)
  const roundings = roundingsOf(folding, parts.length)
  const own = folding.wire === 'bf16' && dtype === 'f32' ? 'bf16' : dtype
  const accumulator = dtype === 'f64' ? 'f64' : 'f32'
  const relative = roundings.accumulator * HALF_ULP[accumulator] + roundings.half * HALF_ULP[own]
  const absolute = (roundings.accumulator + roundings.half) * HALF_LEAST[dtype]
  for (let i = 0; i < found.length; i++) {
    const truth = trueResult(folding.op, values, i)
    // Of second order: each rounding is of something that was rounded before.
    const bound = exactly ? 0 : truth.size * relative * (1 + 2 ** -5) + absolute
    const error = Math.abs((found[i] as number) - truth.high - truth.low)
    if (!(error <= bound)) return i
  }
  return -1
}

interface Truth {
  /** The result is high + low, which has some 106 bits. */
  readonly high: number
  readonly low: number
  /** What bounds are relative to. */
  readonly size: number
}

function trueResult(op: Op, parts: readonly ArrayLike<number>[], i: number): Truth {
  let [high, low] = [parts[0][i], 0]
  let size = Math.abs(high)
  for (let rank = 1; rank < parts.length; rank++) {
    const value = parts[rank][i]
    if (op === 'min') high = Math.min(high, value)
    else if (op === 'max') high = Math.max(high, value)
    else if (op === 'prod') {
      const rest = low * value
      low = productError(high, value) + rest
      high *= value
    } else {
      low += sumError(high, value)
      high += value
      size += Math.abs(value)
    }
  }
  if (op === 'avg') return meanOf(high, low, size, parts.length)
  return { high, low, size: op === 'sum' ? size : Math.abs(high) }
}

function meanOf(high: number, low: number, size: number, ranks: number): Truth {
  const quotient = high / ranks
  const rest = high - quotient * ranks - productError(quotient, ranks)
  return { high: quotient, low: (rest + low) / ranks, size: size / ranks }
}

/** What one + other has lost by rounding, exactly (Knuth). */
function sumError(one: number, other: number): number {
  const sum = one + other
  const seen = sum - one
  return one - (sum - seen) + (other - seen)
}

/** What one × other has lost by rounding, exactly (Dekker). */
function productError(one: number, other: number): number {
  const [a, b] = [halves(one), halves(other)]
  return a.low * b.low - (one * other - a.high * b.high - a.low * b.high - a.high * b.low)
}

function halves(value: number): { high: number; low: number } {
  const scaled = value * (2 ** 27 + 1)
  const high = scaled - (scaled - value)
  return { high, low: value - high }
}

/** Whether a type has bounds: integers are exact or wrap. */
export function hasBounds(dtype: DType): boolean {
  return dtype in HALF_ULP
}
