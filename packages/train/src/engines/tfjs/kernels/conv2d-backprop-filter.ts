import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core'
import type { Pointer, WasmHeap } from '../heap.js'
import type { ConvShape } from './conv-shape.js'
import { convShapeOf, type ConvAttributes, type Shape4 } from './tfjs-shapes.js'
import { makeOutput, pointerOf, type KernelCall } from './tfjs-tensors.js'
import { multiplyTransposed } from './matrix.js'
import { eachBlock, gather, patchSize } from './patch-blocks.js'

/**
 * Gradient of a convolution's kernel: patchesᵀ · dy, summed block by block so
 * that the patches never leave the cache. `out` is written, not added to.
 */
export function conv2dFilterGradient(
  heap: WasmHeap,
  shape: ConvShape,
  x: Pointer,
  dy: Pointer,
  out: Pointer,
): void {
  const { filters } = shape
  heap.clear(out, patchSize(shape) * filters)
  eachBlock(heap, shape, (block) => {
    const pointer = gather(heap, shape, x, block)
    const patches = { pointer, rows: block.windows, columns: patchSize(shape) }
    const gradient = {
      pointer: dy + block.firstWindow * filters * 4,
      rows: block.windows,
      columns: filters,
    }
    multiplyTransposed(heap, patches, gradient, out, true)
  })
}

/** tfjs' wasm back end has no kernel of this name. */
export const conv2DBackpropFilterConfig: KernelConfig = {
  kernelName: 'Conv2DBackpropFilter',
  backendName: 'wasm',
  kernelFunc: (call) => {
    const { inputs, attrs, backend } = call as unknown as KernelCall<
      { x: TensorInfo; dy: TensorInfo },
      ConvAttributes & { filterShape: Shape4 }
    >
    const { x, dy } = inputs
    const shape = convShapeOf(attrs, x.shape as Shape4, attrs.filterShape)
    return makeOutput(backend, attrs.filterShape, (heap, out) =>
      conv2dFilterGradient(heap, shape, pointerOf(backend, x), pointerOf(backend, dy), out),
    )
  },
}
