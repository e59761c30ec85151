import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core'
import type { Pointer, WasmHeap } from '../heap.js'
import type { WindowShape } from './conv-shape.js'
import { clearImages, eachImage, windowKernel } from './images.js'
import { poolShapeOf, type PoolAttributes, type Shape4 } from './tfjs-shapes.js'
import { makeOutput, pointerOf, type KernelCall } from './tfjs-tensors.js'

export function maxPool(heap: WasmHeap, shape: WindowShape, x: Pointer, out: Pointer): void {
  const run = windowKernel(heap, 'maxPool', shape)
  eachImage(shape, (input, output) => run(x + input, out + output, 0, 0))
}

/** The gradient goes to the first maximum of each window; `y` is the pool's output. */
export function maxPoolGradient(
  heap: WasmHeap,
  shape: WindowShape,
  x: Pointer,
  y: Pointer,
  dy: Pointer,
  out: Pointer,
): void {
  clearImages(heap, shape, out)
  const run = windowKernel(heap, 'maxPoolGrad', shape)
  eachImage(shape, (input, output) => run(x + input, y + output, dy + output, out + input))
}

/** Padding does not count: a window at the edge averages over the cells it has. */
export function averagePool(heap: WasmHeap, shape: WindowShape, x: Pointer, out: Pointer): void {
  const run = windowKernel(heap, 'averagePool', shape)
  eachImage(shape, (input, output) => run(x + input, out + output, 0, 0))
}

export function averagePoolGradient(
  heap: WasmHeap,
  shape: WindowShape,
  dy: Pointer,
  out: Pointer,
): void {
  clearImages(heap, shape, out)
  const run = windowKernel(heap, 'averagePoolGrad', shape)
  eachImage(shape, (input, output) => run(dy + output, out + input, 0, 0))
}

/** Replaces tfjs' own, which loses the gradient of windows without a positive value. */
export const maxPoolGradConfig: KernelConfig = {
  kernelName: 'MaxPoolGrad',
  backendName: 'wasm',
  kernelFunc: (call) => {
    const { inputs, attrs, backend } = call as unknown as KernelCall<
      { dy: TensorInfo; input: TensorInfo; output: TensorInfo },
      PoolAttributes
    >
    const shape = poolShapeOf(attrs, inputs.input.shape as Shape4)
    const [x, y, dy] = [inputs.input, inputs.output, inputs.dy].map((tensor) =>
      pointerOf(backend, tensor),
    )
    return makeOutput(backend, inputs.input.shape, (heap, out) =>
      maxPoolGradient(heap, shape, x, y, dy, out),
    )
  },
}

/** Replaces tfjs' own, which divides by the whole window also at the edge. */
export const avgPoolGradConfig: KernelConfig = {
  kernelName: 'AvgPoolGrad',
  backendName: 'wasm',
  kernelFunc: (call) => {
    const { inputs, attrs, backend } = call as unknown as KernelCall<
      { dy: TensorInfo; input: TensorInfo },
      PoolAttributes
    >
    const shape = poolShapeOf(attrs, inputs.input.shape as Shape4)
    return makeOutput(backend, inputs.input.shape, (heap, out) =>
      averagePoolGradient(heap, shape, pointerOf(backend, inputs.dy), out),
    )
  },
}
