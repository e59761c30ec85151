import { KaitianError } from '@kaitian/errors'
import { normalisation, packImage, variationOf, type Augmentation } from './augment.js'
import type { Samples } from './dataset.js'
import { slotArrays, type FeedLayout } from './layout.js'

/** What a packing thread is asked: everything it needs, nothing it keeps. */
export interface PackTask {
  readonly samples: Samples
  readonly layout: FeedLayout
  readonly seed: number
  readonly augmentation?: Augmentation
  readonly shards: readonly ShardToPack[]
}

export interface ShardToPack {
  readonly slot: number
  readonly epoch: number
  /** Samples of the shard, in order; at most the layout's `shardSize`. */
  readonly ids: Uint32Array
}

/**
 * Writes each shard's inputs, labels and ids to its slot. What is written
 * depends on the task alone, so packing again gives the same bytes.
 */
export function packShards(task: PackTask): void {
  const { samples, layout, seed, augmentation } = task
  const { inputs, labels, ids } = slotArrays(layout)
  const table = normalisation(samples)
  for (const { slot, epoch, ids: wanted } of task.shards) {
    checkRoom(layout, slot, wanted.length)
    let at = slot * layout.shardSize
    for (const id of wanted) {
      checkId(samples, id)
      const variation = variationOf(seed, epoch, id, augmentation)
      packImage(samples, id, variation, table, inputs, at * layout.sampleSize)
      labels[at] = samples.labels[id]
      ids[at] = id
      at++
    }
  }
}

/** Past its slot a shard would overwrite one that a device is reading. */
function checkRoom({ slots, shardSize }: FeedLayout, slot: number, count: number): void {
  if (slot < slots && count <= shardSize) return
  const sentence = `${count} samples do not fit slot ${slot} of ${slots} slots of ${shardSize}.`
  throw new KaitianError('INTERNAL', sentence, { fields: { slot, count } })
}

function checkId({ count }: Samples, id: number): void {
  if (id < count) return
  const sentence = `Sample ${id} is asked for, and the data set has ${count}.`
  throw new KaitianError('INTERNAL', sentence, { fields: { id, count } })
}
