import {
  checkDequantise,
  checkDigest,
  checkQuantise,
  checkRunningStatistic,
  checkSgd,
  checkSum,
} from '../kernel-checks.js'
import type { NativeAddon } from '../native.js'
import type { Kernels } from '../types.js'

/**
 * What was given may have getters, or be a proxy: it is read once, here. Native code that reads
 * objects of the caller's runs JavaScript of the caller's, from whose interruption it may not come
 * back, and sees other things than were checked.
 */
export function checkedKernels(addon: NativeAddon): Kernels {
  return {
    sumF32(into, given) {
      const parts = [...given]
      checkSum(into, parts, 'f32')
      addon.sumF32(into, parts)
    },
    sumI64(into, given) {
      const parts = [...given]
      checkSum(into, parts, 'i64')
      addon.sumI64(into, parts)
    },
    quantise(sums, values, exponent) {
      checkQuantise(sums, values, exponent)
      return addon.quantise(sums, values, exponent)
    },
    dequantise(into, sums, exponent) {
      checkDequantise(into, sums, exponent)
      addon.dequantise(into, sums, exponent)
    },
    digest(into, state, velocity, first) {
      checkDigest(into, state, velocity, first)
      addon.digest(into, state, velocity, first)
    },
    sgd(given) {
      const step = { ...given }
      checkSgd(step)
      addon.sgd(step)
    },
    runningStatistic(next, running, sum, count, momentum) {
      checkRunningStatistic(next, running, sum, count, momentum)
      addon.runningStatistic(next, running, sum, count, momentum)
    },
  }
}
