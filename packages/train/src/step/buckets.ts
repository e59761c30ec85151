import type { Layout } from '../model/model.js'

/** A contiguous part of the flat vector that is reduced as one operation. */
export interface Bucket {
  readonly index: number
  /** First element. */
  readonly offset: number
  /** Elements. */
  readonly count: number
}

/**
 * The flat vector of a step: gradient sums of the weights, statistic sums,
 * and one element more for the count of samples, so that the divisor travels
 * with what it divides.
 */
export function flatSize(layout: Layout): number {
  return layout.stateSize + 1
}

/**
 * Cuts the flat vector into buckets of `size` elements, from its end, because
 * the last layer's gradient is there first: bucket 0 is the tail, and the one
 * at the front may be smaller. Borders of tensors do not matter: a large one is
 * reduced in parts, beside each other, and small ones together.
 */
export function cutBuckets(layout: Layout, size: number): Bucket[] {
  const flat = flatSize(layout)
  return Array.from({ length: Math.ceil(flat / size) }, (_, index) => {
    const end = flat - index * size
    const offset = Math.max(0, end - size)
    return { index, offset, count: end - offset }
  })
}

/**
 * Which buckets became final when everything from `from` on did.
 * `next` is the first bucket that was not final before.
 */
export function bucketsFrom(buckets: readonly Bucket[], next: number, from: number): number {
  let upTo = next
  while (upTo < buckets.length && buckets[upTo].offset >= from) upTo++
  return upTo
}
