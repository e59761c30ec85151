import {
  batchOf,
  packShards,
  ShardFeed,
  synthesiseImages,
  type FeedLayout,
} from '@kaitian/train/data'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failure } from './errors.js'
import { ManualPool } from './manual-pool.js'

const test = suite('data/layout')

const samples = synthesiseImages({ seed: 3, train: 30, test: 0 }).train

/** Slot s holds samples 3s, 3s + 1, 3s + 2. */
function packed(): FeedLayout {
  const { layout } = new ShardFeed({
    samples,
    seed: 1,
    shardSize: 3,
    slots: 5,
    pool: new ManualPool(),
  })
  const shards = [0, 1, 2, 3, 4].map((slot) => {
    return { slot, epoch: 0, ids: Uint32Array.of(3 * slot, 3 * slot + 1, 3 * slot + 2) }
  })
  packShards({ samples, layout, seed: 1, shards })
  return layout
}

const at = (slot: number, count = 3) => ({ shard: slot, slot, count })

test('the arrays begin at multiples of 64 bytes and do not overlap', () => {
  const layout = packed()
  const { inputsOffset, labelsOffset, idsOffset, buffer } = layout
  for (const offset of [inputsOffset, labelsOffset, idsOffset]) assert.is(offset % 64, 0)
  assert.ok(labelsOffset >= inputsOffset + 15 * 3072 * 4)
  assert.ok(idsOffset >= labelsOffset + 15)
  assert.ok(buffer.byteLength >= idsOffset + 15 * 4)
})

test('full slots side by side are one view, with a short one at the end', () => {
  const layout = packed()
  const batch = batchOf(layout, [at(1), at(2), at(3, 2)])
  assert.is(batch.inputs.buffer, layout.buffer)
  assert.is(batch.ids.buffer, layout.buffer)
  assert.equal([...batch.ids], [3, 4, 5, 6, 7, 8, 9, 10])
  assert.is(batch.inputs.length, 8 * 3072)
})

for (const [what, slots, ids] of [
  ['out of order', [at(2), at(1)], [6, 7, 8, 3, 4, 5]],
  ['across the ring’s end', [at(4), at(0)], [12, 13, 14, 0, 1, 2]],
  ['with a short one in between', [at(0), at(1, 1), at(2)], [0, 1, 2, 3, 6, 7, 8]],
] as const) {
  test(`slots ${what} are copied together`, () => {
    const layout = packed()
    const batch = batchOf(layout, slots)
    assert.is.not(batch.inputs.buffer, layout.buffer)
    assert.equal([...batch.ids], ids)
    assert.equal(
      [...batch.labels],
      ids.map((id) => samples.labels[id]),
    )
    ids.forEach((id, i) => {
      const slotOf = batchOf(layout, [at(Math.floor(id / 3))])
      const image = slotOf.inputs.subarray((id % 3) * 3072, (id % 3) * 3072 + 3072)
      assert.equal(batch.inputs.slice(i * 3072, (i + 1) * 3072), image.slice())
    })
  })
}

test('no slots are an empty batch', () => {
  const { count, inputs, labels, ids } = batchOf(packed(), [])
  assert.equal([count, inputs.length, labels.length, ids.length], [0, 0, 0, 0])
})

test('a task that would write outside its slot or read past the data is refused', async () => {
  const layout = packed()
  const task = (slot: number, ...ids: number[]) => {
    const shards = [{ slot, epoch: 0, ids: Uint32Array.from(ids) }]
    return () => packShards({ samples, layout, seed: 1, shards })
  }
  await failure(task(5, 1), 'INTERNAL')
  await failure(task(0, 1, 2, 3, 4), 'INTERNAL')
  assert.match((await failure(task(0, 30), 'INTERNAL')).message, /Sample 30/)
})

test.run()
