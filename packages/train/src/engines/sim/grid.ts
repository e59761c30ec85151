/**
 * A quadratic problem whose gradients are whole multiples of 1/64.
 *
 * For sample i and weight j, with k = j mod 16:
 *   target(i, j) = anchor(j) + pull(i, k)        both in [−1, 1], on the grid
 *   w̃(j) = w(j) rounded to the grid and clamped to [−4, 4]
 *   loss(i) = Σ_j ½ (w̃(j) − target(i, j))² / 2^⌈log2 weights⌉
 *   gradient(i, j) = w̃(j) − target(i, j)         (the power of two left out)
 *
 * A value has at most 384 units of 1/64, so f32 holds every partial sum over up
 * to 43,690 samples exactly: any split, order or grouping gives the same bits.
 */
export const UNITS = 64

/** Different pulls of one sample; more would cost time, fewer would let two samples look alike. */
export const CHANNELS = 16

const LIMIT = 4 * UNITS

/** A weight on the grid, in units. */
export function onGrid(weight: number): number {
  return Math.min(Math.max(Math.round(weight * UNITS), -LIMIT), LIMIT)
}

/** In units, −64 … 64; depends on the weight's place alone. */
export function anchor(weight: number): number {
  return symmetric(mix(weight ^ 0x5bd1e995))
}

/** In units, −64 … 64; depends on the sample's id and the weight's channel. */
export function pull(id: number, channel: number): number {
  return symmetric(mix(Math.imul(id, CHANNELS) + channel))
}

function symmetric(hash: number): number {
  return (hash % (2 * UNITS + 1)) - UNITS
}

/** MurmurHash3's 32-bit finaliser (Appleby, public domain): spreads neighbouring numbers. */
function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
