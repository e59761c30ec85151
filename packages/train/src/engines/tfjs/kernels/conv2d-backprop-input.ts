import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core'
import type { Pointer, WasmHeap } from '../heap.js'
import type { ConvShape } from './conv-shape.js'
import { convShapeOf, type ConvAttributes, type Shape4 } from './tfjs-shapes.js'
import { makeOutput, pointerOf, type KernelCall } from './tfjs-tensors.js'
import { multiply, transpose } from './matrix.js'
import { eachBlock, gather, patchSize, scatter } from './patch-blocks.js'

/** Gradient of a convolution's input. `out` is written, not added to. */
export function conv2dInputGradient(
  heap: WasmHeap,
  shape: ConvShape,
  dy: Pointer,
  kernel: Pointer,
  out: Pointer,
): void {
  if (shape.strideHeight === 1 && shape.strideWidth === 1) {
    byConvolution(heap, shape, dy, kernel, out)
  } else {
    byScatter(heap, shape, dy, kernel, out)
  }
}

/** Stride 1: a convolution of dy with the kernel turned by 180° and its channels exchanged. */
function byConvolution(
  heap: WasmHeap,
  shape: ConvShape,
  dy: Pointer,
  kernel: Pointer,
  out: Pointer,
): void {
  const mirror = mirrored(shape)
  const depth = patchSize(mirror)
  const turned = heap.allocate(depth * shape.channels)
  try {
    turnKernel(heap, shape, kernel, turned)
    const right = { pointer: turned, rows: depth, columns: shape.channels }
    eachBlock(heap, mirror, (block) => {
      const pointer = gather(heap, mirror, dy, block)
      const left = { pointer, rows: block.windows, columns: depth }
      multiply(heap, left, right, out + block.firstWindow * shape.channels * 4)
    })
  } finally {
    heap.release(turned)
  }
}

/** Other strides: dy · kernelᵀ gives each window's share; the shares are added where they belong. */
function byScatter(
  heap: WasmHeap,
  shape: ConvShape,
  dy: Pointer,
  kernel: Pointer,
  out: Pointer,
): void {
  const { filters } = shape
  const depth = patchSize(shape)
  const turned = heap.allocate(depth * filters)
  try {
    transpose(heap, { pointer: kernel, rows: depth, columns: filters }, turned)
    heap.clear(out, shape.count * shape.inHeight * shape.inWidth * shape.channels)
    const right = { pointer: turned, rows: filters, columns: depth }
    eachBlock(heap, shape, (block) => {
      const pointer = dy + block.firstWindow * filters * 4
      multiply(heap, { pointer, rows: block.windows, columns: filters }, right, block.patches)
      scatter(heap, shape, out, block)
    })
  } finally {
    heap.release(turned)
  }
}

/** The window that slides over dy and yields dx. */
function mirrored(shape: ConvShape): ConvShape {
  return {
    ...shape,
    channels: shape.filters,
    filters: shape.channels,
    inHeight: shape.outHeight,
    inWidth: shape.outWidth,
    outHeight: shape.inHeight,
    outWidth: shape.inWidth,
    top: shape.kernelHeight - 1 - shape.top,
    bottom: shape.kernelHeight - 1 - shape.bottom,
    left: shape.kernelWidth - 1 - shape.left,
    right: shape.kernelWidth - 1 - shape.right,
  }
}

/** [tap, channel, filter] → [last tap first, filter, channel] */
function turnKernel(heap: WasmHeap, shape: ConvShape, kernel: Pointer, out: Pointer): void {
  const { channels, filters } = shape
  const taps = shape.kernelHeight * shape.kernelWidth
  const bytes = channels * filters * 4
  for (let tap = 0; tap < taps; tap++) {
    const pointer = kernel + (taps - 1 - tap) * bytes
    transpose(heap, { pointer, rows: channels, columns: filters }, out + tap * bytes)
  }
}

/** Ten times as fast as the kernel of this name that tfjs brings. */
export const conv2DBackpropInputConfig: KernelConfig = {
  kernelName: 'Conv2DBackpropInput',
  backendName: 'wasm',
  kernelFunc: (call) => {
    const { inputs, attrs, backend } = call as unknown as KernelCall<
      { dy: TensorInfo; filter: TensorInfo },
      ConvAttributes & { inputShape: Shape4 }
    >
    const { dy, filter } = inputs
    const shape = convShapeOf(attrs, attrs.inputShape, filter.shape as Shape4)
    return makeOutput(backend, attrs.inputShape, (heap, out) =>
      conv2dInputGradient(heap, shape, pointerOf(backend, dy), pointerOf(backend, filter), out),
    )
  },
}
