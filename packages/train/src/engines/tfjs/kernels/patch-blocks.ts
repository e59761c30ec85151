import type { Pointer, WasmHeap } from '../heap.js'
import { geometryArguments, imageSizes, type WindowShape } from './conv-shape.js'

/** Floats of a block of patches: 128 KiB stay in the second-level cache beside the other operands. */
const BLOCK = 32768

/** Floats of one patch: kernelHeight × kernelWidth × channels. */
export function patchSize(shape: WindowShape): number {
  return shape.kernelHeight * shape.kernelWidth * shape.channels
}

/** Output rows [from, to), counted over all images, and their windows. */
export interface PatchBlock {
  readonly from: number
  readonly to: number
  readonly firstWindow: number
  readonly windows: number
  /** Room for the block's patches. */
  readonly patches: Pointer
}

/** Visits all windows of a batch, a cache-sized block of whole output rows at a time. */
export function eachBlock(
  heap: WasmHeap,
  shape: WindowShape,
  visit: (block: PatchBlock) => void,
): void {
  const { outWidth } = shape
  const rowFloats = outWidth * patchSize(shape)
  const rows = shape.count * shape.outHeight
  const step = Math.min(Math.max(1, Math.floor(BLOCK / rowFloats)), rows)
  const patches = heap.allocate(step * rowFloats)
  try {
    for (let from = 0; from < rows; from += step) {
      const to = Math.min(from + step, rows)
      const windows = (to - from) * outWidth
      visit({ from, to, firstWindow: from * outWidth, windows, patches })
    }
  } finally {
    heap.release(patches)
  }
}

/** Where the block's windows of `images` lie as patches: copied, unless the images already are that. */
export function gather(
  heap: WasmHeap,
  shape: WindowShape,
  images: Pointer,
  block: PatchBlock,
): Pointer {
  if (isIdentity(shape)) return images + block.firstWindow * shape.channels * 4
  move(heap, 'patches', shape, images, block)
  return block.patches
}

/** A 1×1 kernel with stride 1: each window is one pixel. */
function isIdentity({ kernelHeight, kernelWidth, strideHeight, strideWidth, ...pad }: WindowShape) {
  const padding = pad.top + pad.bottom + pad.left + pad.right
  return kernelHeight * kernelWidth * strideHeight * strideWidth === 1 && padding === 0
}

/** images += the block's patches, each value at the cell its window covers. */
export function scatter(
  heap: WasmHeap,
  shape: WindowShape,
  images: Pointer,
  block: PatchBlock,
): void {
  move(heap, 'unpatch', shape, images, block)
}

function move(
  heap: WasmHeap,
  direction: 'patches' | 'unpatch',
  shape: WindowShape,
  images: Pointer,
  { from, to, patches }: PatchBlock,
): void {
  const kernel = heap.kernels[direction + (shape.channels % 4 === 0 ? 'Vector' : 'Scalar')]
  const geometry = geometryArguments(shape)
  const rowBytes = shape.outWidth * patchSize(shape) * 4
  const imageBytes = imageSizes(shape).input * 4
  for (let row = from; row < to;) {
    const image = Math.floor(row / shape.outHeight)
    const start = image * shape.outHeight
    const end = Math.min(to, start + shape.outHeight)
    const target = patches + (row - from) * rowBytes
    kernel(images + image * imageBytes, target, row - start, end - start, ...geometry)
    row = end
  }
}
