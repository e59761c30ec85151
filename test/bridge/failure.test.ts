import { virtualClock } from '@kaitian/actors'
import { CHUNK_BYTES, openEndpoint, tcp, type Network } from '@kaitian/train/bridge'
import type { Duplex } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  begin,
  DEADLINE_MS,
  failure,
  openCluster,
  options,
  request,
  turns,
  until,
  type Cluster,
} from './cluster.js'

const test = suite('bridge failure')
const floats = (count: number): Float32Array => new Float32Array(count)

/** The network, with a hold on the streams that one group dialled. */
function cuttable(): { network: Network; streams: Duplex[] } {
  const streams: Duplex[] = []
  const dial: Network['dial'] = (to) => {
    const stream = tcp.dial(to)
    streams.push(stream)
    return stream
  }
  return { network: { ...tcp, dial }, streams }
}

test('C4 an abort fails what is pending on every group, and what comes later', async () => {
  await using cluster = await openCluster(3)
  begin(cluster, 1)
  const [a, b, c] = cluster.endpoints
  const pending = [
    failure(b.exchange(request(1, 0, floats(9)))),
    failure(c.exchange(request(1, 0, floats(9)))),
  ]
  a.abort(1, 'gpu:0 of group a died')
  for (const error of await Promise.all(pending)) {
    assert.is(error.code, 'COMMUNICATOR_ABORTED')
    assert.match(error.message, /gpu:0 of group a died/)
    assert.is(error.fields['generation'], 1)
  }
  const late = await failure(a.exchange(request(1, 0, floats(9))))
  assert.is(late.code, 'COMMUNICATOR_ABORTED')
  begin(cluster, 2)
  await Promise.all([a, b, c].map((end) => end.exchange(request(2, 0, floats(9)))))
})

test('C4 an abort reaches a group that has not begun the generation', async () => {
  await using cluster = await openCluster(2)
  const [a, b] = cluster.endpoints
  a.begin(3, cluster.groups)
  a.abort(3, 'too early')
  // the link carries the abort before this exchange's frames, so b knows it when those arrive
  a.begin(4, cluster.groups)
  b.begin(2, ['b'])
  await turns()
  b.begin(3, cluster.groups)
  const error = await failure(b.exchange(request(3, 0, floats(1))))
  assert.is(error.code, 'COMMUNICATOR_ABORTED')
})

test('an abort of a generation that is over, or twice, changes nothing', async () => {
  await using cluster = await openCluster(2)
  begin(cluster, 1)
  begin(cluster, 2)
  const [a, b] = cluster.endpoints
  a.abort(1, 'late')
  await Promise.all([a, b].map((end) => end.exchange(request(2, 0, floats(3)))))
})

test('C4 a group that stays silent is named at the deadline, on all groups', async () => {
  await using cluster = await openCluster(3)
  begin(cluster, 1)
  const [a, b] = cluster.endpoints
  const pending = [a, b].map((end) => failure(end.exchange(request(1, 0, floats(1000)))))
  await turns()
  await cluster.clock.advance(DEADLINE_MS)
  const errors = await Promise.all(pending)
  assert.ok(errors.some(({ code }) => code === 'DEADLINE_EXCEEDED'))
  for (const error of errors) {
    assert.match(error.message, /group "c"/)
    if (error.code === 'DEADLINE_EXCEEDED') assert.equal(error.fields['groups'], ['c'])
  }
})

test('C4 a lost link fails the exchange on both ends with the name of the group', async () => {
  const { network, streams } = cuttable()
  await using cluster = await openCluster(2, (group) => (group === 'b' ? { network } : {}))
  begin(cluster, 1)
  const [a, b] = cluster.endpoints
  const big = (32 * CHUNK_BYTES) / 4
  const pending = [
    failure(a.exchange(request(1, 0, floats(big)))),
    failure(b.exchange(request(1, 0, floats(big)))),
  ]
  await turns(2)
  streams[0].destroy()
  const [atA, atB] = await Promise.all(pending)
  assert.is(atA.code, 'LINK_LOST')
  assert.is(atA.fields['group'], 'b')
  assert.is(atB.code, 'LINK_LOST')
  assert.is(atB.fields['group'], 'a')
  assert.throws(() => a.begin(2, cluster.groups), /no link to group "b"/)
})

test('C4 the survivors of a lost group hear of it and go on without it', async () => {
  await using cluster = await openCluster(3)
  begin(cluster, 1)
  const [a, b, c] = cluster.endpoints
  const pending = [a, b].map((end) => failure(end.exchange(request(1, 0, floats(100)))))
  await c.dispose()
  for (const error of await Promise.all(pending)) {
    assert.ok(['LINK_LOST', 'COMMUNICATOR_ABORTED'].includes(error.code))
    assert.match(error.message, /"c" left the run/)
  }
  begin(cluster, 2, ['a', 'b'])
  await Promise.all([a, b].map((end) => end.exchange(request(2, 0, floats(100)))))
})

test('a lost link can be opened again', async () => {
  const { network, streams } = cuttable()
  await using cluster = await openCluster(2, (group) => (group === 'b' ? { network } : {}))
  const [a, b] = cluster.endpoints
  begin(cluster, 1)
  const cut = [a, b].map((end) => failure(end.exchange(request(1, 0, floats(CHUNK_BYTES)))))
  streams[0].destroy()
  await Promise.all(cut)
  const peers = cluster.groups.map((group, rank) => ({ group, ...cluster.endpoints[rank].address }))
  await Promise.all([a, b].map((end) => end.connect(peers)))
  begin(cluster, 2)
  await Promise.all([a, b].map((end) => end.exchange(request(2, 0, floats(7)))))
})

test('a port in use is a clear error', async () => {
  const clock = virtualClock()
  const first = await openEndpoint(options('a', ['a', 'b'], clock))
  const { port } = first.address
  const error = await failure(openEndpoint({ ...options('b', ['a', 'b'], clock), port }))
  assert.is(error.code, 'PORT_IN_USE')
  assert.is(error.fields['port'], port)
  await first.dispose()
  const again = await openEndpoint({ ...options('b', ['a', 'b'], clock), port })
  await again.dispose()
})

test('bad options are refused before a socket exists', async () => {
  const good = options('a', ['a', 'b'], virtualClock())
  const bad = [
    { secret: '' },
    { group: 'x' },
    { groups: ['a', 'a'] },
    { groups: ['a', 'b,c'] },
    { port: 70_000 },
    { deadlineMs: 0 },
  ]
  for (const change of bad) {
    const error = await failure(openEndpoint({ ...good, ...change }))
    assert.is(error.code, 'BAD_ARGUMENT', JSON.stringify(change))
  }
})

test('A7 dispose in the middle of an exchange leaves no handle and fails it', async () => {
  const handles = (): string[] =>
    process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind))
  const before = handles()
  const cluster: Cluster = await openCluster(3)
  begin(cluster, 1)
  const pending = failure(cluster.endpoints[0].exchange(request(1, 0, floats(5_000_000))))
  await cluster.endpoints[0].dispose()
  assert.is((await pending).code, 'COMMUNICATOR_ABORTED')
  assert.is(
    (await failure(cluster.endpoints[0].exchange(request(1, 1, floats(1))))).code,
    'CANCELLED',
  )
  await cluster[Symbol.asyncDispose]()
  await cluster.endpoints[0].dispose()
  await until('all sockets are gone', () => handles().length <= before.length)
})

test.run()
