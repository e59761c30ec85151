import { seededRandom, type Random } from '@kaitian/actors'
import { loadBackend } from '@kaitian/comm-native'
import { CHUNK_BYTES } from '@kaitian/train/bridge'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  begin,
  failure,
  openCluster,
  orderedSum,
  randomFloats,
  randomIntegers,
  request,
  sameBits,
} from './cluster.js'

const test = suite('bridge exchange')
const random = seededRandom('bridge exchange')

const MAKE = {
  f32: (stream: Random, count: number) => randomFloats(stream, count),
  i64: (stream: Random, count: number) => randomIntegers(stream, count),
}
const WIDTH = { f32: 4, i64: 8 }

for (const size of [2, 3]) {
  for (const dtype of ['f32', 'i64'] as const) {
    const chunk = CHUNK_BYTES / WIDTH[dtype]
    const nine = (9 * 1024 * 1024) / WIDTH[dtype]
    for (const count of [0, 1, 1237, chunk - 1, chunk, chunk + 1, nine]) {
      test(`C2 ${size} groups, ${count} × ${dtype}: the bits of the group-ordered sum`, async () => {
        await using cluster = await openCluster(size)
        begin(cluster, 1)
        const values = cluster.groups.map((group) => {
          return MAKE[dtype](random.fork(`${group} ${dtype} ${count}`), count)
        })
        const requests = values.map((own) => request(1, 0, own))
        await Promise.all(cluster.endpoints.map((end, rank) => end.exchange(requests[rank])))
        const expected = orderedSum(values as Float32Array[] | BigInt64Array[])
        requests.forEach(({ into }, rank) => sameBits(into, expected, `group ${rank}`))
      })
    }
  }
}

test('C2 the order of the sum shows in the bits, so the tests above can fail', () => {
  const [a, b, c] = [1, 2, 3].map((label) => randomFloats(random.fork(label), 1000))
  assert.is.not(Buffer.compare(orderedSum([a, b, c]), orderedSum([c, b, a])), 0)
})

test('C2 three groups in place: into is mine', async () => {
  await using cluster = await openCluster(3)
  begin(cluster, 1)
  const count = (3 * CHUNK_BYTES) / 4 + 5
  const values = cluster.groups.map((group) =>
    randomFloats(random.fork(`in place ${group}`), count),
  )
  const requests = values.map((own) => request(1, 0, own)).map((r) => ({ ...r, into: r.mine }))
  await Promise.all(cluster.endpoints.map((end, rank) => end.exchange(requests[rank])))
  for (const { into } of requests) sameBits(into, orderedSum(values), 'in place')
})

test('C1 with the real kernels', async () => {
  const { kernels } = loadBackend()
  await using cluster = await openCluster(2, () => ({ kernels }))
  begin(cluster, 1)
  const values = cluster.groups.map((group) =>
    randomIntegers(random.fork(`real ${group}`), 300_000),
  )
  const requests = values.map((own) => request(1, 0, own))
  await Promise.all(cluster.endpoints.map((end, rank) => end.exchange(requests[rank])))
  for (const { into } of requests) sameBits(into, orderedSum(values), 'real kernels')
})

test('several exchanges are under way at once, begun at different times', async () => {
  await using cluster = await openCluster(3)
  begin(cluster, 1)
  const counts = [700_000, 3, 0, 400_000, 262_144, 17]
  const values = cluster.groups.map((group) =>
    counts.map((count, k) => randomFloats(random.fork(`several ${group} ${k}`), count)),
  )
  const requests = values.map((own) => own.map((bucket, k) => request(1, k, bucket)))
  await Promise.all(
    cluster.endpoints.map(async (end, rank) => {
      // group a issues all at once, b one after the other, c two by two
      const width = [6, 1, 2][rank]
      for (let k = 0; k < counts.length; k += width) {
        await Promise.all(requests[rank].slice(k, k + width).map((each) => end.exchange(each)))
      }
    }),
  )
  counts.forEach((_, k) => {
    const expected = orderedSum(values.map((own) => own[k]))
    for (const own of requests) sameBits(own[k].into, expected, `bucket ${k}`)
  })
})

test('C5 chunks of a generation that has not begun here wait, and are then summed', async () => {
  await using cluster = await openCluster(2)
  const [a, b] = cluster.endpoints
  const values = cluster.groups.map((group) => randomFloats(random.fork(`early ${group}`), 600_000))
  a.begin(7, cluster.groups)
  const early = request(7, 0, values[0])
  const done = a.exchange(early)
  // b has seen and finished older things meanwhile
  b.begin(6, ['b'])
  const alone = request(6, 0, values[1])
  await b.exchange(alone)
  sameBits(alone.into, orderedSum([values[1]]), 'alone')
  b.begin(7, cluster.groups)
  const late = request(7, 0, values[1])
  await Promise.all([done, b.exchange(late)])
  for (const { into } of [early, late]) sameBits(into, orderedSum(values), 'both')
})

test('a generation of fewer groups goes on without the others', async () => {
  await using cluster = await openCluster(3)
  begin(cluster, 1)
  begin(cluster, 2, ['a', 'c'])
  const values = [1, 2].map((label) => randomFloats(random.fork(`fewer ${label}`), 5000))
  const requests = values.map((own) => request(2, 0, own))
  const [a, , c] = cluster.endpoints
  await Promise.all([a.exchange(requests[0]), c.exchange(requests[1])])
  for (const { into } of requests) sameBits(into, orderedSum(values), 'a and c')
})

test('bad requests are refused at the door', async () => {
  await using cluster = await openCluster(2)
  begin(cluster, 1)
  const [a] = cluster.endpoints
  const good = request(1, 0, new Float32Array(8))
  const bad = [
    { ...good, count: 7 },
    { ...good, count: -1 },
    { ...good, sequence: 0.5 },
    { ...good, mine: good.mine.subarray(0, 28) },
    { ...good, generation: 2 },
    { ...good, count: 6, mine: good.mine.subarray(1, 25), into: good.into.subarray(0, 24) },
    { ...good, count: 6, mine: good.mine.subarray(0, 24), into: good.mine.subarray(8, 32) },
  ]
  for (const each of bad) assert.is((await failure(a.exchange(each))).code, 'BAD_ARGUMENT')
  const strange = { ...good, dtype: 'f16' as 'f32' }
  assert.is((await failure(a.exchange(strange))).code, 'UNSUPPORTED_DTYPE')
  for (const order of [['b'], ['a', 'a'], ['a', 'x']]) {
    assert.throws(
      () => a.begin(2, order),
      (error: { code: string }) => error.code === 'BAD_ARGUMENT',
    )
  }
  assert.throws(() => a.begin(1, ['a']), /grow/)
})

test('sequences ascend within a generation', async () => {
  await using cluster = await openCluster(2)
  cluster.endpoints[0].begin(1, ['a'])
  await cluster.endpoints[0].exchange(request(1, 4, new Float32Array(1)))
  const error = await failure(cluster.endpoints[0].exchange(request(1, 4, new Float32Array(1))))
  assert.is(error.code, 'BAD_ARGUMENT')
  assert.match(error.message, /ascend/)
})

test.run()
