import * as tf from '@tensorflow/tfjs-core'
import type {
  GradConfig,
  KernelConfig,
  NamedTensorMap,
  Tensor,
  TensorInfo,
} from '@tensorflow/tfjs-core'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import { groupNorm, groupNormGradient, savedFloats, type GroupNormShape } from './group-norm.js'
import type { Clamp } from './normalise.js'
import { makeOutput, pointerOf, type KernelCall } from './tfjs-tensors.js'

interface Attributes extends Clamp {
  readonly groups: number
  readonly epsilon: number
}

const FORWARD = 'KaitianGroupNorm'
const BACKWARD = 'KaitianGroupNormGrad'

/**
 * Group norm and the activation behind it as one op of stock tfjs, with its
 * gradient; x is [batch, …, channels]. Call `registerTrainingKernels` first and
 * make 'wasm' the current back end.
 */
export function groupNormOp(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  options: { groups: number; epsilon?: number; activation?: 'relu' | 'relu6' },
): Tensor {
  const { groups, epsilon = 1e-5, activation } = options
  const low = activation === undefined ? -Infinity : 0
  const high = activation === 'relu6' ? 6 : Infinity
  const inputs = { x, scale, bias } as unknown as NamedTensorMap
  const [y, saved] = tf
    .engine()
    .runKernel<Tensor[]>(FORWARD, inputs, { groups, epsilon, low, high })
  saved.dispose()
  return y
}

export const groupNormConfig: KernelConfig = {
  kernelName: FORWARD,
  backendName: 'wasm',
  kernelFunc: (call) => {
    const { inputs, attrs, backend } = call as unknown as KernelCall<
      Record<'x' | 'scale' | 'bias', TensorInfo>,
      Attributes
    >
    const shape = shapeOf(inputs.x, attrs)
    const at = pointersOf(backend, inputs)
    const saved = backend.makeOutput([savedFloats(shape)], 'float32')
    const y = makeOutput(backend, inputs.x.shape, (heap, out) =>
      groupNorm(heap, shape, at.x, at, attrs, pointerOf(backend, saved), out),
    )
    return [y, saved]
  },
}

export const groupNormGradConfig: KernelConfig = {
  kernelName: BACKWARD,
  backendName: 'wasm',
  kernelFunc: (call) => {
    const { inputs, attrs, backend } = call as unknown as KernelCall<
      Record<'dy' | 'x' | 'scale' | 'saved', TensorInfo>,
      Attributes
    >
    const shape = shapeOf(inputs.x, attrs)
    const { dy, x, scale, saved } = pointersOf(backend, inputs)
    const channels = shape.channels
    const gradients = { dScale: new Float64Array(channels), dBias: new Float64Array(channels) }
    const dx = makeOutput(backend, inputs.x.shape, (heap, out) =>
      groupNormGradient(heap, shape, dy, x, scale, attrs, saved, gradients, out),
    )
    const vectors = [gradients.dScale, gradients.dBias].map((values) =>
      makeOutput(backend, [channels], (heap, out) => heap.f32(out, channels).set(values)),
    )
    return [dx, ...vectors]
  },
}

export const groupNormGradientConfig: GradConfig = {
  kernelName: FORWARD,
  inputsToSave: ['x', 'scale'],
  outputsToSave: [false, true],
  gradFunc: (dy, [x, scale, saved], attrs) => {
    const inputs = { dy: (dy as Tensor[])[0], x, scale, saved } as unknown as NamedTensorMap
    // at once, not in the three functions: tfjs would run the kernel three times
    const [dx, dScale, dBias] = tf.engine().runKernel<Tensor[]>(BACKWARD, inputs, attrs)
    return { x: () => dx, scale: () => dScale, bias: () => dBias }
  },
}

function shapeOf({ shape }: TensorInfo, { groups, epsilon }: Attributes): GroupNormShape {
  const channels = shape[shape.length - 1]
  const values = shape.reduce((product, size) => product * size, 1)
  return { count: shape[0], rows: values / shape[0] / channels, channels, groups, epsilon }
}

function pointersOf<Name extends string>(
  backend: BackendWasm,
  tensors: Record<Name, TensorInfo>,
): Record<Name, number> {
  const entries = Object.entries<TensorInfo>(tensors)
  return Object.fromEntries(
    entries.map(([name, tensor]) => [name, pointerOf(backend, tensor)]),
  ) as Record<Name, number>
}
