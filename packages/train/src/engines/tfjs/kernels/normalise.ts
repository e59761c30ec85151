import type { Pointer, WasmHeap } from '../heap.js'

/** Rows of channels that share their statistics with nobody else: one sample, or a slice of a batch. */
export interface Rows {
  readonly rows: number
  readonly channels: number
}

/** What an activation lets through: low < z ≤ high. No activation: −∞ and ∞. */
export interface Clamp {
  readonly low: number
  readonly high: number
}

/** Per-channel vectors of a normalisation, as pointers: z = x · scale + shift. */
export interface Affine {
  readonly scale: Pointer
  readonly shift: Pointer
  readonly mean: Pointer
}

function kernelFor(heap: WasmHeap, name: string, channels: number) {
  const form = channels % 16 === 0 ? 'Wide' : channels % 4 === 0 ? 'Vector' : 'Scalar'
  return heap.kernels[name + form]
}

/** out[c] = Σ x[·, c] */
export function channelSums(
  heap: WasmHeap,
  { rows, channels }: Rows,
  x: Pointer,
  out: Pointer,
): void {
  kernelFor(heap, 'channelSums', channels)(x, out, rows, channels * 4)
}

/** out[c] = Σ (x[·, c] − mean[c])²: a second pass, since Σ x² − n·mean² cancels in f32. */
export function channelSquares(
  heap: WasmHeap,
  { rows, channels }: Rows,
  x: Pointer,
  mean: Pointer,
  out: Pointer,
): void {
  kernelFor(heap, 'channelSquares', channels)(x, mean, out, rows, channels * 4)
}

/** out = clamp(x · scale + shift) */
export function normalise(
  heap: WasmHeap,
  { rows, channels }: Rows,
  x: Pointer,
  { scale, shift }: Omit<Affine, 'mean'>,
  { low, high }: Clamp,
  out: Pointer,
): void {
  kernelFor(heap, 'normalise', channels)(x, scale, shift, low, high, out, rows, channels * 4)
}

/** With g = dy where the clamp lets it through: sums = Σ g, products = Σ g · (x − mean). */
export function normaliseGradientSums(
  heap: WasmHeap,
  { rows, channels }: Rows,
  dy: Pointer,
  x: Pointer,
  { scale, shift, mean }: Affine,
  { low, high }: Clamp,
  sums: Pointer,
  products: Pointer,
): void {
  const kernel = kernelFor(heap, 'normaliseGradSums', channels)
  kernel(dy, x, scale, shift, low, high, mean, sums, products, rows, channels * 4)
}

/** out = g · scale + (x − mean) · slope + offset; `out` may be `dy`. */
export function normaliseGradient(
  heap: WasmHeap,
  { rows, channels }: Rows,
  dy: Pointer,
  x: Pointer,
  { scale, shift, mean }: Affine,
  { low, high }: Clamp,
  { slope, offset }: { slope: Pointer; offset: Pointer },
  out: Pointer,
): void {
  const kernel = kernelFor(heap, 'normaliseGrad', channels)
  kernel(dy, x, scale, shift, low, high, mean, slope, offset, out, rows, channels * 4)
}
