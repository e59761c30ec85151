import { virtualClock } from '@kaitian/actors'
import { CHUNK_BYTES, openEndpoint } from '@kaitian/train/bridge'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEADLINE_MS, failure, options, request, turns, until } from './cluster.js'
import { RawPeer } from './raw-peer.js'

const test = suite('bridge flow')
const floats = (count: number): Float32Array => new Float32Array(count)

function external(): number {
  return process.memoryUsage().arrayBuffers
}

/** Group a, linked to a group b whose bytes the test decides, in generation 1. */
async function openAgainstRaw() {
  const clock = virtualClock()
  const a = await openEndpoint(options('a', ['a', 'b'], clock))
  const peer = new RawPeer(a.address)
  await peer.authenticate()
  await a.connect([{ group: 'b', ...a.address }])
  a.begin(1, ['a', 'b'])
  const dispose = async (): Promise<void> => {
    peer.socket.destroy()
    await a.dispose()
  }
  return { cluster: { a, clock, [Symbol.asyncDispose]: dispose }, peer }
}

const zeros = new Uint8Array(CHUNK_BYTES)
const twos = new Uint8Array(new Float32Array(CHUNK_BYTES / 4).fill(2).buffer)

/** One full chunk of an exchange of `count` floats. */
function sendChunk(peer: RawPeer, count: number, index: number, payload = zeros): void {
  const place = { kind: 'chunk', generation: 1, sequence: 0 } as const
  const signature = { op: 'sum', dtype: 'f32', count, offset: 0, order: 'a,b' } as const
  peer.frame(index === 0 ? { ...place, index: 0, ...signature } : { ...place, index }, payload)
}

test('a slow link is not a silent one: the deadline counts from the last byte', async () => {
  const { cluster, peer } = await openAgainstRaw()
  await using _ = cluster
  const count = (4 * CHUNK_BYTES) / 4
  const done = cluster.a.exchange(request(1, 0, floats(count)))
  for (let index = 0; index < 4; index++) {
    sendChunk(peer, count, index)
    await until('the chunk has left', () => peer.socket.writableLength === 0)
    await turns(50)
    await cluster.clock.advance(DEADLINE_MS * 0.9)
  }
  await done
})

test('B3 a peer that does not read costs no memory, and holds `mine` until it has left', async () => {
  const { cluster, peer } = await openAgainstRaw()
  await using _ = cluster
  const chunks = 48
  const count = (chunks * CHUNK_BYTES) / 4
  const own = request(1, 0, floats(count))
  peer.socket.pause()
  const before = external()
  let settled = false
  const done = cluster.a.exchange(own).then(() => (settled = true))
  await turns()
  assert.ok(external() - before < 4 * CHUNK_BYTES, `grew by ${external() - before} bytes`)
  for (let index = 0; index < chunks; index++) sendChunk(peer, count, index)
  await until('the part of b is in', () => peer.socket.writableLength === 0)
  await turns()
  assert.not(settled, 'mine has not left yet')
  peer.socket.resume()
  await done
})

test('in place, a sum does not overwrite what has not left yet', async () => {
  const { cluster, peer } = await openAgainstRaw()
  await using _ = cluster
  const chunks = 24
  const count = (chunks * CHUNK_BYTES) / 4
  const own = request(1, 0, new Float32Array(count).fill(1))
  peer.socket.pause()
  const done = cluster.a.exchange({ ...own, into: own.mine })
  for (let index = 0; index < chunks; index++) sendChunk(peer, count, index, twos)
  await until('the part of b is in', () => peer.socket.writableLength === 0)
  await turns()
  peer.socket.resume()
  await done
  await until('the part of a is in', () => peer.chunks().length === chunks)
  for (const payload of peer.chunks()) assert.is(new Float32Array(payload.buffer)[7], 1)
  assert.ok(new Float32Array(own.mine.buffer).every((value) => value === 3))
})

test('C4 an abort overtakes the chunks that have not left yet', async () => {
  const { cluster, peer } = await openAgainstRaw()
  await using _ = cluster
  const chunks = 48
  peer.socket.pause()
  const pending = failure(cluster.a.exchange(request(1, 0, floats((chunks * CHUNK_BYTES) / 4))))
  await turns()
  cluster.a.abort(1, 'enough')
  await pending
  peer.socket.resume()
  await until('the abort', () => peer.frames.at(-1)?.kind === 'abort')
  assert.ok(peer.chunks().length < chunks / 2, `${peer.chunks().length} chunks came first`)
})

test('B3 chunks that have no place yet stay with the sender', async () => {
  const { cluster, peer } = await openAgainstRaw()
  await using _ = cluster
  const chunks = 48
  const count = (chunks * CHUNK_BYTES) / 4
  const before = external()
  for (let index = 0; index < chunks; index++) sendChunk(peer, count, index)
  await turns()
  assert.ok(peer.socket.writableLength > 16 * CHUNK_BYTES, 'most of it has not left')
  assert.ok(external() - before < 4 * CHUNK_BYTES, `grew by ${external() - before} bytes`)
  const own = request(1, 0, new Float32Array(count).fill(2))
  await cluster.a.exchange(own)
  assert.ok(new Float32Array(own.into.buffer).every((value) => value === 2))
})

test.run()
