import type { Pointer, WasmHeap } from '../heap.js'
import { geometryArguments, imageSizes, type WindowShape } from './conv-shape.js'

/** Visits the images of a batch by their byte offsets in input and output. */
export function eachImage(
  shape: WindowShape,
  visit: (input: number, output: number) => void,
): void {
  const { input, output } = imageSizes(shape)
  for (let image = 0; image < shape.count; image++) visit(image * input * 4, image * output * 4)
}

/** A kernel of wasm/pools.ts in the form that fits the channels. */
export function windowKernel(
  heap: WasmHeap,
  name: string,
  shape: WindowShape,
): (p: Pointer, q: Pointer, r: Pointer, s: Pointer) => void {
  const kernel = heap.kernels[name + (shape.channels % 4 === 0 ? 'Vector' : 'Scalar')]
  const geometry = geometryArguments(shape)
  return (p, q, r, s) => kernel(p, q, r, s, shape.outHeight, ...geometry)
}

export function clearImages(heap: WasmHeap, shape: WindowShape, images: Pointer): void {
  heap.clear(images, shape.count * imageSizes(shape).input)
}
