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
 * Cuts the flat vector into buckets at tensor borders, from its end, because
 * the last layer's gradient is there first: bucket 0 is the tail. A bucket
 * closes once it holds `target` elements; a tensor is never split, so a large
 * one makes a large bucket.
 */
export function cutBuckets(layout: Layout, target: number): Bucket[] {
  const buckets: Bucket[] = []
  let end = flatSize(layout)
  const tensors = layout.tensors.toSorted((a, b) => b.offset - a.offset)
  for (const { offset } of tensors) {
    if (end - offset < target && offset > 0) continue
    buckets.push({ index: buckets.length, offset, count: end - offset })
    end = offset
  }
  if (end > 0) buckets.push({ index: buckets.length, offset: 0, count: end })
  return buckets
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
