import type { Pointer, WasmHeap } from '../heap.js'
import type { WindowShape } from './conv-shape.js'
import { clearImages, eachImage, windowKernel } from './images.js'

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
