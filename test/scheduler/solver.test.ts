import { KaitianError } from '@kaitian/errors'
import { makespan, shardCount, solve, type Deal, type SolverDevice } from '@kaitian/scheduler'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('solver')
const runs = { numRuns: 300, seed: 20250510 }

interface Drawn {
  deal: Deal
  /** Time by samples, never falling; plateaus are common, so that ties are. */
  devices: { increments: number[]; cap: number | undefined }[]
}

const drawn: fc.Arbitrary<Drawn> = fc
  .record({ shardSize: fc.integer({ min: 1, max: 4 }), size: fc.integer({ min: 0, max: 14 }) })
  .chain((deal) =>
    fc.record({
      deal: fc.constant(deal),
      devices: fc.array(
        fc.record({
          increments: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 16, maxLength: 16 }),
          cap: fc.option(fc.integer({ min: 0, max: 14 }), { nil: undefined }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  )

function devicesOf({ devices }: Drawn): SolverDevice[] {
  return devices.map(({ increments, cap }, i) => ({
    name: `sim:${i}`,
    ...(cap === undefined ? {} : { cap }),
    time: (samples) => increments.slice(0, samples).reduce((total, more) => total + more, 0),
  }))
}

/** Every way to deal the shards in contiguous runs, the short one with the last run. */
function bruteForce(deal: Deal, devices: readonly SolverDevice[]): number {
  let best = Infinity
  const deepen = (samples: number[], shardsLeft: number, samplesLeft: number): void => {
    if (samples.length === devices.length) {
      if (shardsLeft === 0) best = Math.min(best, makespan(devices, samples))
      return
    }
    for (let count = 0; count <= shardsLeft; count++) {
      const taken = Math.min(count * deal.shardSize, samplesLeft)
      if (taken > (devices[samples.length].cap ?? Infinity)) break
      deepen([...samples, taken], shardsLeft - count, samplesLeft - taken)
    }
  }
  deepen([], shardCount(deal), deal.size)
  return best
}

test('S3 the split is the integer minimax optimum, short last shard and caps included', () => {
  fc.assert(
    fc.property(drawn, (input) => {
      const devices = devicesOf(input)
      const best = bruteForce(input.deal, devices)
      if (best === Infinity) {
        assert.throws(() => solve(input.deal, devices), isBadConfig)
        return
      }
      const split = solve(input.deal, devices)
      assert.is(split.makespan, best)
      assert.is(makespan(devices, split.samples), best, 'the makespan is that of the samples')
    }),
    runs,
  )
})

test('S1 S2 samples are whole, sum to the step, follow from the shards and keep to the caps', () => {
  fc.assert(
    fc.property(drawn, (input) => {
      const devices = devicesOf(input)
      if (bruteForce(input.deal, devices) === Infinity) return
      const { shards, samples } = solve(input.deal, devices)
      const { size, shardSize } = input.deal
      assert.is(sum(samples), size)
      assert.is(sum(shards), shardCount(input.deal))
      const last = shards.findLastIndex((count) => count > 0)
      samples.forEach((count, i) => {
        assert.ok(Number.isInteger(count) && count >= 0)
        assert.ok(count <= (devices[i].cap ?? Infinity))
        const short = i === last ? shardCount(input.deal) * shardSize - size : 0
        assert.is(count, shards[i] * shardSize - short)
      })
    }),
    runs,
  )
})

test('S3 ties go to the device named first', () => {
  const even = ['a', 'b', 'c', 'd'].map((name) => ({ name, time: (n: number) => n }))
  assert.equal(solve({ size: 20, shardSize: 2 }, even).shards, [3, 3, 2, 2])
})

test('S3 a slow last device is left out rather than given the short shard', () => {
  const devices = [
    { name: 'fast', time: (n: number) => n },
    { name: 'slow', time: (n: number) => 1000 * n },
  ]
  assert.equal(solve({ size: 9, shardSize: 4 }, devices).samples, [9, 0])
})

test('S3 thousands of devices with a short last shard are dealt in bounded work', () => {
  let calls = 0
  const devices = Array.from({ length: 2000 }, (_, i) => ({
    name: `sim:${i}`,
    time: (n: number) => {
      calls++
      return n * (1 + (i % 7))
    },
  }))
  const { samples } = solve({ size: 79_999, shardSize: 8 }, devices)
  assert.is(sum(samples), 79_999)
  assert.ok(calls < 200_000, `${calls} evaluations of the time models`)
})

test('S2 caps that cannot hold the step are refused with what to do', () => {
  const devices = [{ name: 'cuda:0', cap: 10, time: (n: number) => n }]
  assert.throws(
    () => solve({ size: 12, shardSize: 4 }, devices),
    (error: unknown) => isBadConfig(error) && /cuda:0 10.*Lower the batch/.test(error.message),
  )
})

test('a deal that makes no sense is refused', () => {
  const devices = [{ name: 'cuda:0', time: (n: number) => n }]
  for (const deal of [
    { size: 1.5, shardSize: 1 },
    { size: -1, shardSize: 1 },
    { size: 4, shardSize: 0 },
  ]) {
    assert.throws(() => solve(deal, devices), isBadConfig)
  }
  assert.throws(
    () => solve({ size: 4, shardSize: 1 }, []),
    (error: unknown) => error instanceof KaitianError && error.code === 'NO_DEVICES_LEFT',
  )
})

function isBadConfig(error: unknown): error is KaitianError {
  return error instanceof KaitianError && error.code === 'BAD_CONFIG'
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

test.run()
