/**
 * Deterministic mode's scales: gradients are multiplied by 2^exponent, per
 * bucket, and rounded to int64, so that sums do not depend on order.
 *
 * A maximum of a shard's gradient lands at 2^44: fp32's 24 bits survive for
 * every element within 2^-20 of the maximum, 8 bits of headroom remain until
 * the kernel's range of 2^52, and 2^11 shards fit into an int64 above that.
 */
const TARGET_BITS = 44
/** A bucket that left the range gets this many bits more room at the next attempt. */
const RETREAT_BITS = 16

/** The scales of a step, and how far they can be trusted. */
export interface Scales {
  /** Power of two per bucket. */
  readonly exponents: readonly number[]
  /** Buckets in which no gradient but 0 was ever seen: their exponent is a guess. */
  readonly unmeasured: readonly number[]
}

/** Before anything was measured: room for values up to 2^28, too coarse to commit anything but 0. */
export function initialScales(buckets: number): Scales {
  return {
    exponents: Array.from({ length: buckets }, () => 24),
    unmeasured: Array.from({ length: buckets }, (_, bucket) => bucket),
  }
}

/** The next attempt's scales from the largest |gradient| of any shard in each bucket. */
export function nextScales(current: Scales, maxima: readonly number[]): Scales {
  const exponents = current.exponents.map((exponent, bucket) => {
    const maximum = maxima[bucket]
    if (!Number.isFinite(maximum)) return exponent - RETREAT_BITS
    return maximum === 0 ? exponent : TARGET_BITS - binaryExponent(maximum)
  })
  return {
    exponents,
    unmeasured: current.unmeasured.filter((bucket) => !isMeasure(maxima[bucket])),
  }
}

/** True when a guessed scale met gradients: they were rounded too coarsely to be committed. */
export function outgrown(unmeasured: readonly number[], maxima: readonly number[]): boolean {
  return unmeasured.some((bucket) => maxima[bucket] !== 0)
}

function isMeasure(maximum: number): boolean {
  return maximum > 0 && Number.isFinite(maximum)
}

/** Largest over all votes, bucket by bucket: the same whoever computed what. */
export function mergeMaxima(all: readonly (readonly number[])[]): number[] {
  return all[0].map((_, bucket) => Math.max(...all.map((maxima) => maxima[bucket])))
}

/** The e with 2^(e−1) ≤ value < 2^e, for finite value > 0; by bits, since log2 differs between machines. */
function binaryExponent(value: number): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const exponent = ((view.getUint32(0) >>> 20) & 0x7ff) - 1023
  return exponent + 1
}
