import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core'
import type { Pointer, WasmHeap } from '../heap.js'
import type { WindowShape } from './conv-shape.js'
import { clearImages, eachImage, windowKernel } from './images.js'
import { depthwiseShapeOf, type ConvAttributes, type Shape4 } from './tfjs-shapes.js'
import { makeOutput, pointerOf, type KernelCall } from './tfjs-tensors.js'

/** Gradient of a depthwise convolution's input; the kernel is [kernelHeight, kernelWidth, channels]. */
export function depthwiseInputGradient(
  heap: WasmHeap,
  shape: WindowShape,
  dy: Pointer,
  kernel: Pointer,
  out: Pointer,
): void {
  clearImages(heap, shape, out)
  const run = windowKernel(heap, 'depthwiseInputGrad', shape)
  eachImage(shape, (input, output) => run(dy + output, kernel, out + input, 0))
}

/** Gradient of a depthwise convolution's kernel. */
export function depthwiseFilterGradient(
  heap: WasmHeap,
  shape: WindowShape,
  x: Pointer,
  dy: Pointer,
  out: Pointer,
): void {
  heap.clear(out, shape.kernelHeight * shape.kernelWidth * shape.channels)
  const run = windowKernel(heap, 'depthwiseFilterGrad', shape)
  eachImage(shape, (input, output) => run(x + input, dy + output, out, 0))
}

/** tfjs' wasm back end has neither of the two. */
export const depthwiseBackpropInputConfig: KernelConfig = {
  kernelName: 'DepthwiseConv2dNativeBackpropInput',
  backendName: 'wasm',
  kernelFunc: (call) => {
    const { inputs, attrs, backend } = call as unknown as KernelCall<
      { dy: TensorInfo; filter: TensorInfo },
      ConvAttributes & { inputShape: Shape4 }
    >
    const { dy, filter } = inputs
    const shape = depthwiseShapeOf(attrs, attrs.inputShape, filter.shape as Shape4)
    return makeOutput(backend, attrs.inputShape, (heap, out) =>
      depthwiseInputGradient(heap, shape, pointerOf(backend, dy), pointerOf(backend, filter), out),
    )
  },
}

export const depthwiseBackpropFilterConfig: KernelConfig = {
  kernelName: 'DepthwiseConv2dNativeBackpropFilter',
  backendName: 'wasm',
  kernelFunc: (call) => {
    const { inputs, attrs, backend } = call as unknown as KernelCall<
      { x: TensorInfo; dy: TensorInfo },
      ConvAttributes & { filterShape: Shape4 }
    >
    const { x, dy } = inputs
    const shape = depthwiseShapeOf(attrs, x.shape as Shape4, attrs.filterShape)
    return makeOutput(backend, attrs.filterShape, (heap, out) =>
      depthwiseFilterGradient(heap, shape, pointerOf(backend, x), pointerOf(backend, dy), out),
    )
  },
}
