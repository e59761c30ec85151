import type { Batch } from '../engines/engine.js'
import { elementsOf, type Samples } from './dataset.js'

/**
 * Where packed shards lie in shared memory: `slots` places of `shardSize`
 * samples each. Plain data; sent to each device actor once.
 */
export interface FeedLayout {
  readonly buffer: SharedArrayBuffer
  readonly slots: number
  /** Samples a slot has room for. */
  readonly shardSize: number
  /** f32 values of one sample. */
  readonly sampleSize: number
  /** Bytes; each a multiple of 64, so that no two arrays share a cache line. */
  readonly inputsOffset: number
  readonly labelsOffset: number
  readonly idsOffset: number
}

/** Where one packed shard lies; `count` is less than a slot's room for the epoch's last shard. */
export interface ShardSlot {
  readonly shard: number
  readonly slot: number
  readonly count: number
}

/** All slots, seen as three flat arrays. */
export interface SlotArrays {
  /** f32 [slots, shardSize, sampleSize] */
  readonly inputs: Float32Array
  /** u8 [slots, shardSize] */
  readonly labels: Uint8Array
  /** u32 [slots, shardSize] */
  readonly ids: Uint32Array
}

const ALIGNMENT = 64

export function allocateLayout(samples: Samples, shardSize: number, slots: number): FeedLayout {
  const sampleSize = elementsOf(samples.shape)
  const room = slots * shardSize
  const labelsOffset = aligned(room * sampleSize * 4)
  const idsOffset = labelsOffset + aligned(room)
  const buffer = new SharedArrayBuffer(idsOffset + aligned(room * 4))
  return { buffer, slots, shardSize, sampleSize, inputsOffset: 0, labelsOffset, idsOffset }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
}

export function slotArrays(layout: FeedLayout): SlotArrays {
  const { buffer, slots, shardSize, sampleSize } = layout
  const room = slots * shardSize
  return {
    inputs: new Float32Array(buffer, layout.inputsOffset, room * sampleSize),
    labels: new Uint8Array(buffer, layout.labelsOffset, room),
    ids: new Uint32Array(buffer, layout.idsOffset, room),
  }
}

/**
 * The samples of `slots` one after the other, for an engine. Views into the
 * ring where the slots lie side by side and are full (the last one need not
 * be), else one copy. Views stay valid until the shards are released.
 */
export function batchOf(layout: FeedLayout, slots: readonly ShardSlot[]): Batch {
  const arrays = slotArrays(layout)
  return adjoining(layout, slots) ? viewed(layout, arrays, slots) : copied(layout, arrays, slots)
}

/** `count` samples of a batch from `first` on: views of the same arrays. */
export function partOf(
  { count: all, inputs, labels, ids }: Batch,
  first: number,
  count: number,
): Batch {
  const size = inputs.length / all
  const end = first + count
  return {
    count,
    inputs: inputs.subarray(first * size, end * size),
    labels: labels.subarray(first, end),
    ids: ids.subarray(first, end),
  }
}

function adjoining({ shardSize }: FeedLayout, slots: readonly ShardSlot[]): boolean {
  return slots.every(({ slot }, i) => {
    const before = slots[i - 1]
    return i === 0 || (before.slot + 1 === slot && before.count === shardSize)
  })
}

function viewed(layout: FeedLayout, arrays: SlotArrays, slots: readonly ShardSlot[]): Batch {
  const { shardSize, sampleSize } = layout
  const first = (slots[0]?.slot ?? 0) * shardSize
  const count = totalOf(slots)
  const end = first + count
  return {
    count,
    inputs: arrays.inputs.subarray(first * sampleSize, end * sampleSize),
    labels: arrays.labels.subarray(first, end),
    ids: arrays.ids.subarray(first, end),
  }
}

function copied(layout: FeedLayout, arrays: SlotArrays, slots: readonly ShardSlot[]): Batch {
  const count = totalOf(slots)
  const inputs = new Float32Array(count * layout.sampleSize)
  const labels = new Uint8Array(count)
  const ids = new Uint32Array(count)
  let at = 0
  for (const slot of slots) {
    const part = viewed(layout, arrays, [slot])
    inputs.set(part.inputs, at * layout.sampleSize)
    labels.set(part.labels, at)
    ids.set(part.ids, at)
    at += slot.count
  }
  return { count, inputs, labels, ids }
}

function totalOf(slots: readonly ShardSlot[]): number {
  return slots.reduce((sum, { count }) => sum + count, 0)
}
