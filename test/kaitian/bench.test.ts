import {
  COLLECTIVE_NAMES,
  collectiveOf,
  countWrong,
  fill,
  formatSize,
  parseSize,
  patternOf,
  planBench,
  rowOf,
  sizesBetween,
  summarise,
  tableFoot,
  tableRow,
  type BenchOptions,
  type CollectiveName,
} from 'kaitian/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('bench')

const options: BenchOptions = {
  collective: 'allreduce',
  groups: [2, 2],
  min: 4096,
  max: 65_536,
  factor: 4,
  dtype: 'f32',
  check: true,
}

function code(change: Partial<BenchOptions>, memory = 2 ** 40): string | undefined {
  try {
    planBench({ ...options, ...change }, memory)
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('sizes are read and written', () => {
  assert.equal(['4KiB', '1MiB', '2GiB', '65536', '7 B'].map(parseSize), [
    4096,
    2 ** 20,
    2 ** 31,
    65_536,
    7,
  ])
  for (const text of ['', '0', '-1', '1.5MiB', '4kb', '4 K', '99999999999999999GiB']) {
    assert.is(parseSize(text), undefined, text)
  }
  assert.equal([4096, 3 * 2 ** 20, 1000].map(formatSize), ['4 KiB', '3 MiB', '1000 bytes'])
  assert.equal(sizesBetween(4, 70, 4), [4, 16, 64])
})

test("busbw is algbw by nccl-tests' factors", () => {
  const factors = COLLECTIVE_NAMES.map((name) => [name, collectiveOf(name).busFactor(4)])
  assert.equal(Object.fromEntries(factors), {
    allreduce: 1.5,
    reduce: 1,
    broadcast: 1,
    allgather: 0.75,
    'reduce-scatter': 0.75,
    'all-to-all': 0.75,
  })
})

test('a line and the last lines of the table', () => {
  const size = { bytes: 1_000_000, count: 250_000, iterations: 5, warmup: 1 }
  const measured = { collective: 'allreduce', ranks: 4, dtype: 'f32', op: 'sum', root: 0 } as const
  const results = [
    { us: 100, wrong: 0 },
    { us: 900, wrong: 2 },
  ]
  const row = rowOf(measured, size, results, [{ us: 50, wrong: 1 }])
  assert.match(
    tableRow(row),
    /^ +1000000 +250000 +f32 +sum +-1 +100\.00 +10\.00 +15\.00 +2 +50\.00 +20\.00 +30\.00 +1$/,
  )
  assert.is(tableFoot(summarise([row])), '# total wrong: 3\n# average bus bandwidth: 22.50 GB/s')
  const broadcast = { collective: 'broadcast', ranks: 4, dtype: 'f32', root: 0 } as const
  const moved = rowOf(broadcast, size, undefined, [{ us: 50 }])
  assert.match(tableRow(moved), / f32 +none +0 +(N\/A +){4}50\.00 +20\.00 +20\.00 +N\/A$/)
  assert.match(tableFoot(summarise([moved])), /not checked/)
})

test('options that cannot be right are refused', () => {
  assert.is(code({}), undefined)
  const bad: Partial<BenchOptions>[] = [
    { min: 65_536, max: 4096 },
    { min: 4098 },
    { op: 'avg', dtype: 'i32' },
    { collective: 'allgather', op: 'sum' },
    { collective: 'allgather', min: 32 },
    { groups: [0, 2] },
    { groups: [65] },
    { factor: 1 },
    { iterations: 0 },
  ]
  for (const change of bad) assert.is(code(change), 'BAD_ARGUMENT', JSON.stringify(change))
  assert.is(code({}, 2 ** 18), 'BAD_ARGUMENT', 'more than the memory')
})

test('pieces are whole multiples of 16 bytes, counted as one rank holds them', () => {
  const collective: CollectiveName = 'allgather'
  const { sizes } = planBench({ ...options, collective, groups: [3], max: 4096 }, 2 ** 40)
  assert.equal(
    sizes.map(({ bytes, count }) => [bytes, count]),
    [[4080, 340]],
  )
})

test('what is expected is whole and exact: a mean, a sum that wraps, patterns that differ', () => {
  for (const ranks of [1, 2, 3, 64]) {
    const values = patternOf('all', { dtype: 'f64', op: 'avg', ranks })
    assert.ok(values.every((value: number | bigint) => Number.isInteger(Number(value))))
  }
  const wide = patternOf('all', { dtype: 'i64', op: 'sum', ranks: 64 }) as BigInt64Array
  const narrow = patternOf('all', { dtype: 'i8', op: 'sum', ranks: 64 }) as Int8Array
  assert.ok(wide.every((value, index) => BigInt.asIntN(8, value) === BigInt(narrow[index])))
  const moved = { dtype: 'u8', op: undefined, ranks: 2 } as const
  assert.not.equal(patternOf(0, moved), patternOf(1, moved))
})

test('wrong elements are counted, wherever a stretch begins', () => {
  const pattern = patternOf(0, { dtype: 'f32', op: undefined, ranks: 2 })
  const sent = new Float32Array(30_000)
  fill(sent, pattern)
  const stretch = { at: 0, length: 10_000, of: 0, from: 12_345 }
  const received = sent.slice(12_345, 22_345)
  assert.is(countWrong(received, stretch, pattern), 0)
  for (const index of [0, 5000, 9999]) received[index] = -1
  assert.is(countWrong(received, stretch, pattern), 3)
  assert.ok(countWrong(sent, { ...stretch, from: 1 }, pattern) > 9000, 'a shift is seen')
})

test.run()
