import { batchOf, permutation, ShardFeed } from '@kaitian/train/data'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failure } from './errors.js'
import { contents, open, SAMPLES, take } from './feed-fixture.js'

const test = suite('data/feed-pool')

const OPTIONS = {
  samples: SAMPLES,
  seed: 8,
  shardSize: 4,
  slots: 6,
  augmentation: { crop: 4, flip: true },
  threads: 2,
}

test('threads write the bytes that one thread would, in an epoch packed ahead', async () => {
  const reference = open({ slots: 14 })
  const wanted = await take(reference, 1, 0, 14)
  const feed = new ShardFeed(OPTIONS)
  const seen: number[] = []
  feed.prefetch(1, 0, 14)
  for (let shard = 0; shard < 14; shard += 2) {
    const slots = await feed.take(1, shard, 2)
    for (const slot of slots) {
      assert.is(contents(feed, [slot]), contents(reference.feed, [wanted[slot.shard]]))
    }
    seen.push(...batchOf(feed.layout, slots).ids)
    feed.release(1, shard, 2)
  }
  assert.equal(seen, [...permutation(8, 1, 53)])
  await feed.dispose()
})

test('an error in a thread rejects the take and names the shard', async () => {
  // Nothing a reader would make: the thread stumbles over the missing statistics.
  const samples = { ...SAMPLES, mean: undefined as unknown as number[] }
  const feed = new ShardFeed({ ...OPTIONS, samples })
  const error = await failure(() => feed.take(0, 2, 1), 'ACTOR_FAILED')
  assert.match(error.message, /Shard 2 of epoch 0/)
  await feed.dispose()
})

test('A7 a disposed feed leaves no thread behind, also with work under way', async () => {
  const feed = new ShardFeed(OPTIONS)
  feed.prefetch(0, 0, 14)
  const waiting = feed.take(0, 0, 6).catch((error: { code?: string }) => error.code)
  await feed.dispose()
  assert.is(await waiting, 'CANCELLED')
})

test.run()
