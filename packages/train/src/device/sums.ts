import type { Kernels, Region } from '@kaitian/comm-native'
import type { Bucket } from '../step/buckets.js'
import { floats, integers } from './state.js'

/**
 * The step's reduced sums as f32 [stateSize] and their count, from fp32 sums or
 * from deterministic mode's scaled integers (then with one rounding each).
 */
export function readSums(
  region: Region,
  buckets: readonly Bucket[],
  exponents: readonly number[] | undefined,
  kernels: Kernels,
): { readonly sum: Float32Array; readonly count: number } {
  if (exponents === undefined) {
    const flat = floats(region)
    return { sum: flat.subarray(0, -1), count: flat[flat.length - 1] }
  }
  const flat = integers(region)
  const sum = new Float32Array(flat.length - 1)
  for (const { index, offset, count } of buckets) {
    const end = Math.min(offset + count, sum.length)
    kernels.dequantise(sum.subarray(offset, end), flat.subarray(offset, end), exponents[index])
  }
  return { sum, count: Number(flat[flat.length - 1]) }
}
