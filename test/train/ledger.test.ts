import { commitRange, emptyLedger, nextRange, stepsPerEpoch } from '@kaitian/train/step'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('ledger')

const dealings = fc
  .record({
    samples: fc.integer({ min: 1, max: 500 }),
    shard: fc.integer({ min: 1, max: 16 }),
    shards: fc.integer({ min: 1, max: 8 }),
  })
  .map(({ samples, shard, shards }) => ({ samples, shard, batch: shard * shards }))

test('T1 the ranges of an epoch tile it exactly, in whole shards but for the last', () => {
  const property = fc.property(dealings, (dealing) => {
    let ledger = emptyLedger
    const seen: number[] = []
    for (let step = 0; step < stepsPerEpoch(dealing); step++) {
      const range = nextRange(dealing, ledger)
      for (let shard = 0; shard < range.shardCount; shard++) seen.push(range.firstShard + shard)
      assert.is(ledger.epoch, 0)
      ledger = commitRange(dealing, ledger, range)
    }
    assert.equal(ledger, { epoch: 1, step: 0, cursor: 0 })
    const shards = Math.ceil(dealing.samples / dealing.shard)
    assert.equal(
      seen,
      Array.from({ length: shards }, (_, shard) => shard),
    )
  })
  fc.assert(property, { seed: 7 })
})

test('T1 a range that is not the next one is never committed', () => {
  const dealing = { samples: 40, batch: 16, shard: 4 }
  const first = nextRange(dealing, emptyLedger)
  const ledger = commitRange(dealing, emptyLedger, first)
  for (const range of [first, { ...nextRange(dealing, ledger), size: 12 }]) {
    assert.throws(
      () => commitRange(dealing, ledger, range),
      (error: { code?: string }) => error.code === 'LEDGER_VIOLATION',
    )
  }
})

test.run()
