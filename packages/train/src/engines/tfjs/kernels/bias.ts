import type { Pointer, WasmHeap } from '../heap.js'
import { channelSums, normalise, type Rows } from './normalise.js'

const UNBOUNDED = { low: -Infinity, high: Infinity }

/** x[·, c] += bias[c] */
export function addBias(heap: WasmHeap, shape: Rows, x: Pointer, bias: Pointer): void {
  const ones = heap.allocate(shape.channels)
  try {
    heap.f32(ones, shape.channels).fill(1)
    normalise(heap, shape, x, { scale: ones, shift: bias }, UNBOUNDED, x)
  } finally {
    heap.release(ones)
  }
}

/** Rows that are summed in f32 before f64 takes over. */
const SLICE = 1024

/** Σ over rows of dy[·, c]: the gradient of a bias. */
export function biasGradient(heap: WasmHeap, { rows, channels }: Rows, dy: Pointer): Float64Array {
  const totals = new Float64Array(channels)
  const scratch = heap.allocate(channels)
  try {
    const partial = heap.f32(scratch, channels)
    for (let from = 0; from < rows; from += SLICE) {
      const slice = { rows: Math.min(SLICE, rows - from), channels }
      channelSums(heap, slice, dy + from * channels * 4, scratch)
      for (let c = 0; c < channels; c++) totals[c] += partial[c]
    }
  } finally {
    heap.release(scratch)
  }
  return totals
}
