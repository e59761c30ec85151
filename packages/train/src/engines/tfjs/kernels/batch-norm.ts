import type { Pointer, WasmHeap } from '../heap.js'
import type { NormGradients } from './group-norm.js'
import {
  channelSquares,
  channelSums,
  normalise,
  normaliseGradient,
  normaliseGradientSums,
  type Affine,
  type Clamp,
  type Rows,
} from './normalise.js'

/** `count` samples of `rows` rows of channels; each channel is normalised over all of them. */
export interface BatchNormShape extends Rows {
  readonly count: number
  readonly epsilon: number
}

/** mean, scale, shift and two rows of scratch. */
export function savedFloats({ channels }: BatchNormShape): number {
  return 5 * channels
}

export interface Moments {
  readonly mean: Float64Array
  /** Biased: divided by the number of values. */
  readonly variance: Float64Array
}

/** Each channel's moments over the batch; f32 sums in a sample, f64 between samples. */
export function batchMoments(
  heap: WasmHeap,
  shape: BatchNormShape,
  x: Pointer,
  saved: Pointer,
): Moments {
  const { affine, scratch } = parts(shape, saved)
  const values = shape.count * shape.rows
  const mean = addUp(heap, shape, scratch[0], (offset) =>
    channelSums(heap, shape, x + offset, scratch[0]),
  ).map((sum) => sum / values)
  heap.f32(affine.mean, shape.channels).set(mean)
  const variance = addUp(heap, shape, scratch[0], (offset) =>
    channelSquares(heap, shape, x + offset, affine.mean, scratch[0]),
  ).map((sum) => sum / values)
  return { mean, variance }
}

/** out = clamp((x − mean) / √(variance + ε) · scale + bias) */
export function batchNorm(
  heap: WasmHeap,
  shape: BatchNormShape,
  x: Pointer,
  parameters: { scale: Pointer; bias: Pointer },
  { mean, variance }: Moments,
  clamp: Clamp,
  saved: Pointer,
  out: Pointer,
): void {
  const { channels, count, rows } = shape
  const { affine } = parts(shape, saved)
  const gamma = heap.f32(parameters.scale, channels)
  const beta = heap.f32(parameters.bias, channels)
  const scale = heap.f32(affine.scale, channels)
  const shift = heap.f32(affine.shift, channels)
  for (let c = 0; c < channels; c++) {
    scale[c] = gamma[c] / Math.sqrt(variance[c] + shape.epsilon)
    shift[c] = beta[c] - mean[c] * scale[c]
  }
  normalise(heap, { rows: count * rows, channels }, x, affine, clamp, out)
}

/** Adds into `dScale` and `dBias`; writes `out`, which may be `dy`. */
export function batchNormGradient(
  heap: WasmHeap,
  shape: BatchNormShape,
  dy: Pointer,
  x: Pointer,
  scale: Pointer,
  { variance }: Moments,
  clamp: Clamp,
  saved: Pointer,
  { dScale, dBias }: NormGradients,
  out: Pointer,
): void {
  const { channels, count, rows } = shape
  const { affine, scratch } = parts(shape, saved)
  const products = new Float64Array(channels)
  const sums = addUp(heap, shape, scratch[0], (offset) => {
    normaliseGradientSums(heap, shape, dy + offset, x + offset, affine, clamp, ...scratch)
    heap.f32(scratch[1], channels).forEach((value, c) => (products[c] += value))
  })
  const gamma = heap.f32(scale, channels)
  const [offsets, slopes] = scratch.map((pointer) => heap.f32(pointer, channels))
  const values = count * rows
  for (let c = 0; c < channels; c++) {
    const inverse = 1 / Math.sqrt(variance[c] + shape.epsilon)
    dBias[c] += sums[c]
    dScale[c] += products[c] * inverse
    slopes[c] = (-gamma[c] * products[c] * inverse ** 3) / values
    offsets[c] = (-gamma[c] * sums[c] * inverse) / values
  }
  const line = { slope: scratch[1], offset: scratch[0] }
  normaliseGradient(heap, { rows: values, channels }, dy, x, affine, clamp, line, out)
}

function parts(
  { channels }: Rows,
  saved: Pointer,
): { affine: Affine; scratch: readonly [Pointer, Pointer] } {
  const line = channels * 4
  return {
    affine: { mean: saved, scale: saved + line, shift: saved + 2 * line },
    scratch: [saved + 3 * line, saved + 4 * line],
  }
}

/** Runs `pass` on each sample and adds up, in f64, what it leaves at `result`. */
function addUp(
  heap: WasmHeap,
  { count, rows, channels }: BatchNormShape,
  result: Pointer,
  pass: (offset: number) => void,
): Float64Array {
  const totals = new Float64Array(channels)
  const partial = heap.f32(result, channels)
  for (let sample = 0; sample < count; sample++) {
    pass(sample * rows * channels * 4)
    for (let c = 0; c < channels; c++) totals[c] += partial[c]
  }
  return totals
}
