import type { Pointer, WasmHeap } from '../heap.js'
import type { WindowShape } from './conv-shape.js'
import { clearImages, eachImage, windowKernel } from './images.js'

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
