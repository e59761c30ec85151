import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { begin, failure, openCluster, request, shared } from './cluster.js'

const test = suite('bridge signature')
const floats = (count: number): Float32Array => new Float32Array(count)

for (const [field, change] of [
  ['count', { count: 3 }],
  ['offset', { offset: 64 }],
  ['dtype', { dtype: 'i64', count: 2 }],
] as const) {
  test(`C3 groups that disagree on ${field} all learn who and in what`, async () => {
    await using cluster = await openCluster(2)
    begin(cluster, 1)
    const other = { ...request(1, 0, floats(4)), ...change }
    const bytes = other.count * (other.dtype === 'i64' ? 8 : 4)
    const errors = await Promise.all([
      failure(cluster.endpoints[0].exchange(request(1, 0, floats(4)))),
      failure(
        cluster.endpoints[1].exchange({ ...other, mine: shared(bytes), into: shared(bytes) }),
      ),
    ])
    errors.forEach((error, rank) => {
      assert.is(error.code, 'SIGNATURE_MISMATCH')
      assert.is(error.fields['field'], field)
      assert.is(error.fields['group'], cluster.groups[1 - rank])
      assert.match(error.message, new RegExp(field))
    })
  })
}

test('C3 the order in which sums combine is part of the signature', async () => {
  await using cluster = await openCluster(2)
  const [a, b] = cluster.endpoints
  a.begin(1, ['a', 'b'])
  b.begin(1, ['b', 'a'])
  const errors = await Promise.all(
    [a, b].map((end) => failure(end.exchange(request(1, 0, floats(1))))),
  )
  for (const error of errors) assert.is(error.fields['field'], 'order')
})

test('C3 groups that are at different operations both fail, named', async () => {
  await using cluster = await openCluster(2)
  begin(cluster, 1)
  const [a, b] = cluster.endpoints
  const errors = await Promise.all([
    failure(a.exchange(request(1, 5, floats(1)))),
    failure(b.exchange(request(1, 3, floats(1)))),
  ])
  errors.forEach((error, rank) => {
    assert.is(error.code, 'SIGNATURE_MISMATCH')
    assert.is(error.fields['field'], 'sequence')
    assert.is(error.fields['group'], cluster.groups[1 - rank])
  })
})

test('C3 of three groups one differs: all three fail, nothing hangs', async () => {
  await using cluster = await openCluster(3)
  begin(cluster, 1)
  const counts = [8, 8, 9]
  const errors = await Promise.all(
    cluster.endpoints.map((end, rank) =>
      failure(end.exchange(request(1, 0, floats(counts[rank])))),
    ),
  )
  for (const error of errors) {
    assert.is(error.code, 'SIGNATURE_MISMATCH')
    assert.match(error.message, /"c"/)
  }
})

test.run()
