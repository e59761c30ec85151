import {
  checkDequantise,
  checkQuantise,
  checkRunningStatistic,
  checkSgd,
  checkSum,
} from '../kernel-checks.js'
import type { NativeAddon } from '../native.js'
import type { Kernels } from '../types.js'

export function checkedKernels(addon: NativeAddon): Kernels {
  return {
    sumF32(into, parts) {
      checkSum(into, parts, 'f32')
      addon.sumF32(into, parts)
    },
    sumI64(into, parts) {
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
    sgd(step) {
      checkSgd(step)
      addon.sgd(step)
    },
    runningStatistic(next, running, sum, count, momentum) {
      checkRunningStatistic(next, running, sum, count, momentum)
      addon.runningStatistic(next, running, sum, count, momentum)
    },
  }
}
