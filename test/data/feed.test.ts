import { virtualClock } from '@kaitian/actors'
import { batchOf, permutation, ShardFeed, takeWithin, type FeedOptions } from '@kaitian/train/data'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failure } from './errors.js'
import { contents, open, SAMPLES, take } from './feed-fixture.js'
import { ManualPool, turn } from './manual-pool.js'

const test = suite('data/feed')

test('T1 an epoch feeds every sample exactly once, with its own label', async () => {
  const each = fc.record({
    shardSize: fc.integer({ min: 1, max: 60 }),
    slots: fc.integer({ min: 1, max: 8 }),
    epoch: fc.integer({ min: 0, max: 3 }),
    ahead: fc.integer({ min: 0, max: 9 }),
  })
  await fc.assert(
    fc.asyncProperty(each, async ({ shardSize, slots, epoch, ahead }) => {
      const opened = open({ shardSize, slots })
      const { feed } = opened
      const seen: number[] = []
      for (let shard = 0; shard < feed.shards; shard++) {
        feed.prefetch(epoch, shard, Math.min(ahead, feed.shards - shard))
        const batch = batchOf(feed.layout, await take(opened, epoch, shard, 1))
        assert.is(batch.count, feed.shardCount(shard))
        seen.push(...batch.ids)
        batch.ids.forEach((id, i) => assert.is(batch.labels[i], SAMPLES.labels[id]))
        feed.release(epoch, shard, 1)
      }
      assert.equal(seen, [...permutation(8, epoch, SAMPLES.count)])
      await feed.dispose()
    }),
    { seed: 31, numRuns: 40 },
  )
})

test('a shard has the same bytes whoever packs it, when and in whichever slot', async () => {
  const reference = open({ slots: 14 })
  const all = await take(reference, 2, 0, 14)
  const wanted = all.map((slot) => contents(reference.feed, [slot]))
  const orders = fc.shuffledSubarray([...wanted.keys()], { minLength: 14 })
  await fc.assert(
    fc.asyncProperty(orders, fc.integer({ min: 1, max: 5 }), async (order, slots) => {
      const opened = open({ slots })
      for (const shard of order) {
        opened.feed.prefetch(2, 0, 3)
        const taken = await take(opened, 2, shard, 1)
        assert.is(contents(opened.feed, taken), wanted[shard])
        opened.feed.release(2, shard, 1)
      }
      await opened.feed.dispose()
    }),
    { seed: 32, numRuns: 20 },
  )
})

test('what is not read in time is an error, and holds nothing when it comes after all', async () => {
  const opened = open({ slots: 2 })
  const { feed, pool } = opened
  const clock = virtualClock()
  const taking = takeWithin(clock, 500, feed, { epoch: 1, first: 0, count: 2 })
  taking.catch(() => {})
  await clock.advance(499)
  // A pause of the process makes the reader no slower.
  clock.pause(10_000)
  await clock.advance(0)
  assert.is(clock.pending, 1)
  await clock.advance(1)
  const { message } = await failure(() => taking, 'DEADLINE_EXCEEDED')
  assert.match(message, 'shards 0 to 1 were not read within 500 ms')
  await pool.finishAll()
  assert.is((await take(opened, 1, 4, 2)).length, 2)
  await feed.dispose()
})

test('epochs vary the images and their order; without augmentation only the order', async () => {
  const images = async (options: Partial<FeedOptions>, epoch: number) => {
    const opened = open({ shardSize: 53, slots: 1, ...options })
    const { ids, inputs } = batchOf(opened.feed.layout, await take(opened, epoch, 0, 1))
    return Array.from(SAMPLES.labels, (_, id) => {
      const at = ids.indexOf(id) * 3072
      return Buffer.from(inputs.slice(at, at + 3072).buffer).toString('base64')
    })
  }
  const differing = (a: string[], b: string[]) => a.filter((image, id) => image !== b[id]).length
  const augmented = differing(await images({}, 0), await images({}, 1))
  assert.ok(augmented > 45, `${augmented} of 53 images vary`)
  const pool = new ManualPool()
  const plain = new ShardFeed({ samples: SAMPLES, seed: 8, shardSize: 53, slots: 1, pool })
  const first = await take({ feed: plain, pool }, 0, 0, 1)
  const before = [...batchOf(plain.layout, first).ids]
  plain.release(0, 0, 1)
  const after = [...batchOf(plain.layout, await take({ feed: plain, pool }, 1, 0, 1)).ids]
  assert.not.equal(before, after)
})

test('in sequential order every epoch is the data set as it stands', async () => {
  const pool = new ManualPool()
  const feed = new ShardFeed({
    samples: SAMPLES,
    seed: 8,
    shardSize: 10,
    slots: 6,
    order: 'sequential',
    pool,
  })
  for (const epoch of [0, 1]) {
    const slots = await take({ feed, pool }, epoch, 0, 6)
    const { ids, inputs, count } = batchOf(feed.layout, slots)
    assert.is(count, 53)
    assert.equal([...ids], [...SAMPLES.labels.keys()])
    const at = 52 * 3072 + 100 * 3 + 1
    const value = (SAMPLES.pixels[at] / 255 - SAMPLES.mean[1]) / SAMPLES.deviation[1]
    assert.is(inputs[at], Math.fround(value))
    feed.release(epoch, 0, 6)
  }
})

test('T2 a step that runs again takes the same slots with the same bytes', async () => {
  const opened = open()
  const first = await take(opened, 0, 0, 3)
  const before = contents(opened.feed, first)
  opened.feed.prefetch(0, 3, 10)
  await opened.pool.finishAll()
  assert.equal(await take(opened, 0, 0, 3), first)
  assert.is(contents(opened.feed, first), before)
})

test('prefetching fills the ring and waits there until a release', async () => {
  const { feed, pool } = open()
  feed.prefetch(0, 0, 14)
  await pool.finishAll()
  const early = await feed.take(0, 0, 6)
  assert.equal(
    early.map(({ slot }) => slot),
    [0, 1, 2, 3, 4, 5],
  )
  feed.release(0, 2, 2)
  assert.equal(pool.writing, [2, 3])
  await pool.finishAll()
  assert.equal(
    (await feed.take(0, 6, 2)).map(({ slot }) => slot),
    [2, 3],
  )
})

test('a shard that is taken displaces one that is only prefetched, the latest first', async () => {
  const opened = open()
  opened.feed.prefetch(0, 0, 6)
  await opened.pool.finishAll()
  const [taken] = await take(opened, 1, 9, 1)
  assert.is(taken.slot, 5)
  await opened.feed.take(0, 0, 5)
  assert.is(opened.pool.pending.length, 0, 'the others were still there')
})

test('a taken shard gets its slot also while all slots are being packed', async () => {
  const { feed, pool } = open()
  feed.prefetch(0, 0, 6)
  const taken = feed.take(1, 0, 2)
  await turn()
  await pool.finishAll()
  assert.is((await taken).length, 2)
})

test('taking more than the ring can hold is refused at once', async () => {
  const opened = open()
  await failure(() => opened.feed.take(0, 0, 7), 'BAD_ARGUMENT')
  await take(opened, 0, 0, 4)
  const { message } = await failure(() => opened.feed.take(0, 2, 5), 'BAD_ARGUMENT')
  assert.match(message, /3 shards .* 4 held .* 6 slots/)
  await take(opened, 0, 2, 4)
})

test('a failing pack rejects the take, which then holds nothing and may be tried again', async () => {
  const opened = open({ shardSize: 32, slots: 2 })
  const { feed, pool } = opened
  const first = failure(() => feed.take(0, 0, 2), 'INTERNAL')
  await turn()
  await pool.fail(new Error('no memory'))
  assert.match((await first).message, /no memory/)
  const [a, b] = await take(opened, 5, 0, 2)
  assert.not.equal(a.slot, b.slot)
})

test('a failing prefetch rejects the take that comes for it, once', async () => {
  const opened = open()
  opened.feed.prefetch(0, 0, 1)
  await opened.pool.fail(new Error('no memory'))
  await failure(() => opened.feed.take(0, 0, 1), 'INTERNAL')
  assert.is((await take(opened, 0, 0, 1)).length, 1)
})

test('a slot released while a thread writes to it is not given out before that has ended', async () => {
  const { feed, pool } = open({ slots: 1 })
  const first = feed.take(0, 0, 1)
  await turn()
  feed.release(0, 0, 1)
  await failure(() => first, 'CANCELLED')
  const second = feed.take(0, 1, 1)
  await turn()
  assert.is(pool.pending.length, 1, 'only the first is being packed')
  await pool.finishAll()
  const batch = batchOf(feed.layout, await second)
  assert.equal([...batch.ids], [...permutation(8, 0, 53).subarray(4, 8)])
})

test('disposing rejects what is waiting, and a disposed feed says so', async () => {
  const { feed } = open()
  const waiting = failure(() => feed.take(0, 0, 1), 'CANCELLED')
  await feed.dispose()
  await waiting
  await failure(() => feed.take(0, 0, 1), 'CANCELLED')
  feed.release(0, 0, 1)
  await feed.dispose()
})

test('senseless sizes and shards past the epoch are refused', async () => {
  for (const options of [
    { shardSize: 0 },
    { slots: 1.5 },
    { augmentation: { crop: -1, flip: true } },
  ]) {
    await failure(() => open(options), 'BAD_ARGUMENT')
  }
  const { feed } = open()
  await failure(() => feed.take(0, 13, 2), 'BAD_ARGUMENT')
  await failure(() => feed.prefetch(0, -1, 1), 'BAD_ARGUMENT')
})

test.run()
