import {
  batchOf,
  ShardFeed,
  synthesiseImages,
  type FeedOptions,
  type ShardSlot,
} from '@kaitian/train/data'
import { ManualPool, turn } from './manual-pool.js'

export const SAMPLES = synthesiseImages({ seed: 3, train: 53, test: 10 }).train
const AUGMENTATION = { crop: 4, flip: true }

/** A feed of 14 shards in 6 slots, unless told otherwise, and the pool that the test works. */
export function open(options: Partial<FeedOptions> = {}): { feed: ShardFeed; pool: ManualPool } {
  const pool = new ManualPool()
  const feed = new ShardFeed({
    samples: SAMPLES,
    seed: 8,
    shardSize: 4,
    slots: 6,
    augmentation: AUGMENTATION,
    pool,
    ...options,
  })
  return { feed, pool }
}

/** Takes while packing whatever the feed asks for. */
export async function take(
  { feed, pool }: { feed: ShardFeed; pool: ManualPool },
  epoch: number,
  first: number,
  count: number,
): Promise<ShardSlot[]> {
  const taken = feed.take(epoch, first, count)
  await turn()
  await pool.finishAll()
  return taken
}

/** Everything a device would see of these slots, as text that can be compared. */
export function contents(feed: ShardFeed, slots: readonly ShardSlot[]): string {
  const { inputs, labels, ids } = batchOf(feed.layout, slots)
  const views = [inputs, labels, ids]
  const bytes = views.map(({ buffer, byteOffset, byteLength }) => {
    return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
  })
  return bytes.join(' ')
}
