import type { Pointer, WasmHeap } from '../heap.js'
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

/** `count` samples of `rows` rows (pixels) of channels. */
export interface GroupNormShape extends Rows {
  readonly count: number
  readonly groups: number
  readonly epsilon: number
}

/** Rows of [channels] that each sample keeps: mean, scale, shift, 1 / deviation. */
const KEPT = 4

/** Floats that `groupNorm` keeps for `groupNormGradient`, with two rows of scratch at the end. */
export function savedFloats({ count, channels }: GroupNormShape): number {
  return (KEPT * count + 2) * channels
}

/**
 * out = clamp(norm(x) · scale + bias), group by group (arXiv 1803.08494).
 * Sums over pixels run in f32 lanes, what combines them in f64.
 */
export function groupNorm(
  heap: WasmHeap,
  shape: GroupNormShape,
  x: Pointer,
  parameters: { scale: Pointer; bias: Pointer },
  clamp: Clamp,
  saved: Pointer,
  out: Pointer,
): void {
  const gamma = heap.f32(parameters.scale, shape.channels)
  const beta = heap.f32(parameters.bias, shape.channels)
  eachSample(heap, shape, saved, ({ offset, affine, scratch, kept, sums }) => {
    channelSums(heap, shape, x + offset, scratch[0])
    eachGroup(shape, (from, to, values) => {
      kept.mean.fill(sumOf(sums, from, to) / values, from, to)
    })
    channelSquares(heap, shape, x + offset, affine.mean, scratch[0])
    eachGroup(shape, (from, to, values) => {
      const deviation = Math.sqrt(sumOf(sums, from, to) / values + shape.epsilon)
      for (let c = from; c < to; c++) {
        kept.inverse[c] = 1 / deviation
        kept.scale[c] = gamma[c] / deviation
        kept.shift[c] = beta[c] - kept.mean[c] * kept.scale[c]
      }
    })
    normalise(heap, shape, x + offset, affine, clamp, out + offset)
  })
}

/** Adds into `dScale` and `dBias` in f64; writes `out`, which may be `dy`. */
export function groupNormGradient(
  heap: WasmHeap,
  shape: GroupNormShape,
  dy: Pointer,
  x: Pointer,
  scale: Pointer,
  clamp: Clamp,
  saved: Pointer,
  gradients: NormGradients,
  out: Pointer,
): void {
  const gamma = heap.f32(scale, shape.channels)
  eachSample(heap, shape, saved, ({ offset, affine, scratch, kept, sums, products }) => {
    normaliseGradientSums(heap, shape, dy + offset, x + offset, affine, clamp, ...scratch)
    for (let c = 0; c < shape.channels; c++) {
      gradients.dBias[c] += sums[c]
      gradients.dScale[c] += products[c] * kept.inverse[c]
    }
    eachGroup(shape, (from, to, values) => {
      const inverse = kept.inverse[from]
      const slope = (-weightedSum(products, gamma, from, to) * inverse ** 3) / values
      const shift = (-weightedSum(sums, gamma, from, to) * inverse) / values
      products.fill(slope, from, to)
      sums.fill(shift, from, to)
    })
    const line = { slope: scratch[1], offset: scratch[0] }
    normaliseGradient(heap, shape, dy + offset, x + offset, affine, clamp, line, out + offset)
  })
}

/** Sums over samples, in f64. */
export interface NormGradients {
  readonly dScale: Float64Array
  readonly dBias: Float64Array
}

interface Sample {
  /** Bytes from the head of the batch. */
  readonly offset: number
  readonly affine: Affine
  readonly kept: Record<'mean' | 'scale' | 'shift' | 'inverse', Float32Array>
  readonly scratch: readonly [Pointer, Pointer]
  /** The scratch as views. */
  readonly sums: Float32Array
  readonly products: Float32Array
}

function eachSample(
  heap: WasmHeap,
  { count, rows, channels }: GroupNormShape,
  saved: Pointer,
  visit: (sample: Sample) => void,
): void {
  const line = channels * 4
  const scratch = [saved + KEPT * count * line, saved + (KEPT * count + 1) * line] as const
  const [sums, products] = scratch.map((pointer) => heap.f32(pointer, channels))
  for (let index = 0; index < count; index++) {
    const mean = saved + KEPT * index * line
    const affine = { mean, scale: mean + line, shift: mean + 2 * line }
    const kept = {
      mean: heap.f32(mean, channels),
      scale: heap.f32(affine.scale, channels),
      shift: heap.f32(affine.shift, channels),
      inverse: heap.f32(mean + 3 * line, channels),
    }
    visit({ offset: index * rows * line, affine, kept, scratch, sums, products })
  }
}

function eachGroup(
  { rows, channels, groups }: GroupNormShape,
  visit: (from: number, to: number, values: number) => void,
): void {
  const size = channels / groups
  for (let from = 0; from < channels; from += size) visit(from, from + size, rows * size)
}

function sumOf(values: Float32Array, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += values[i]
  return sum
}

function weightedSum(
  values: Float32Array,
  weights: Float32Array,
  from: number,
  to: number,
): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += values[i] * weights[i]
  return sum
}
