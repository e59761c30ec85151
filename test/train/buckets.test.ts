import { bucketsFrom, cutBuckets, flatSize } from '@kaitian/train/step'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('buckets')

function layoutOf(sizes: readonly number[]) {
  let stateSize = 0
  const tensors = sizes.map((size, index) => {
    const slot = {
      name: `${index}.dense.kernel`,
      role: 'weight' as const,
      shape: [size],
      offset: stateSize,
      size,
    }
    stateSize += size
    return slot
  })
  return { tensors, weightSize: stateSize, stateSize }
}

const layouts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 })

test('buckets cover the flat vector once, from its end, none larger than it may be', () => {
  const property = fc.property(layouts, fc.integer({ min: 1, max: 400 }), (sizes, most) => {
    const layout = layoutOf(sizes)
    const buckets = cutBuckets(layout, most)
    let end = flatSize(layout)
    for (const [index, bucket] of buckets.entries()) {
      assert.is(bucket.index, index)
      assert.is(bucket.offset + bucket.count, end)
      assert.ok(bucket.count <= most && (bucket.count === most || bucket.offset === 0))
      end = bucket.offset
    }
    assert.is(end, 0)
  })
  fc.assert(property, { seed: 11 })
})

test('a bucket is final once everything from its start on is, and not before', () => {
  const property = fc.property(layouts, fc.integer({ min: 1, max: 400 }), (sizes, target) => {
    const layout = layoutOf(sizes)
    const buckets = cutBuckets(layout, target)
    let done = 0
    for (let from = layout.stateSize; from >= 0; from--) {
      done = bucketsFrom(buckets, done, from)
      assert.is(done, buckets.filter(({ offset }) => offset >= from).length)
    }
    assert.is(done, buckets.length)
  })
  fc.assert(property, { seed: 12 })
})

test.run()
