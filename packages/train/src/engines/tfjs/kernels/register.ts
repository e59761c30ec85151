import * as tf from '@tensorflow/tfjs-core'
import type { KernelConfig } from '@tensorflow/tfjs-core'
import { checkVersion } from '../backend.js'
import { batchMatMulConfig } from './batch-mat-mul.js'
import { conv2DBackpropFilterConfig } from './conv2d-backprop-filter.js'
import { conv2DBackpropInputConfig } from './conv2d-backprop-input.js'
import {
  depthwiseBackpropFilterConfig,
  depthwiseBackpropInputConfig,
} from './depthwise-backprop.js'
import { groupNormConfig, groupNormGradConfig, groupNormGradientConfig } from './group-norm-op.js'
import { avgPoolGradConfig, maxPoolGradConfig } from './pools.js'

const KERNELS: readonly KernelConfig[] = [
  batchMatMulConfig,
  conv2DBackpropFilterConfig,
  conv2DBackpropInputConfig,
  depthwiseBackpropFilterConfig,
  depthwiseBackpropInputConfig,
  maxPoolGradConfig,
  avgPoolGradConfig,
  groupNormConfig,
  groupNormGradConfig,
]

/**
 * Gives stock tfjs the gradient kernels that its wasm back end lacks, has slow
 * or has wrong, so that `tf.grads` and tf.layers train on it. The engine does
 * not need this; call it once in a thread where you use tfjs yourself. Throws
 * ENGINE_FAILED for a version of tfjs that it was not made for.
 */
export function registerTrainingKernels(): void {
  checkVersion()
  for (const config of KERNELS) {
    const { kernelName, backendName } = config
    if (tf.getKernel(kernelName, backendName) === config) continue
    if (tf.getKernel(kernelName, backendName)) tf.unregisterKernel(kernelName, backendName)
    tf.registerKernel(config)
  }
  if (!tf.getGradient(groupNormGradientConfig.kernelName)) {
    tf.registerGradient(groupNormGradientConfig)
  }
}
