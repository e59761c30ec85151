import { virtualClock, type VirtualClock } from '@kaitian/actors'
import type { KaitianError } from '@kaitian/errors'
import { encodeFrame, MAGIC, openEndpoint, type Endpoint } from '@kaitian/train/bridge'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEADLINE_MS, failure, options, request, turns, until } from './cluster.js'
import { RawPeer } from './raw-peer.js'

const test = suite('bridge strangers')
const GROUPS = ['a', 'b']
const first = {
  kind: 'chunk',
  generation: 1,
  sequence: 0,
  index: 0,
  op: 'sum',
  dtype: 'f32',
  count: 2,
  offset: 0,
  order: 'a,b',
} as const

interface Guarded extends AsyncDisposable {
  readonly a: Endpoint
  readonly clock: VirtualClock
  readonly refused: KaitianError[]
  knock(): RawPeer
}

/** Group a, waiting for a group b that the test plays. */
async function guard(): Promise<Guarded> {
  const clock = virtualClock()
  const refused: KaitianError[] = []
  const onRefused = (error: KaitianError): void => void refused.push(error)
  const a = await openEndpoint({ ...options('a', GROUPS, clock), onRefused })
  const peers: RawPeer[] = []
  const knock = (): RawPeer => {
    const peer = new RawPeer(a.address)
    peers.push(peer)
    return peer
  }
  const dispose = async (): Promise<void> => {
    await a.dispose()
    for (const peer of peers) peer.socket.destroy()
    assert.is(clock.pending, 0, 'timers left after dispose')
  }
  return { a, clock, refused, knock, [Symbol.asyncDispose]: dispose }
}

/** Group b arrives after all and reduces with group a. */
async function worksStill({ a, clock }: Guarded): Promise<void> {
  await using b = await openDisposable(clock)
  const connected = a.connect([{ group: 'b', ...b.endpoint.address }])
  await b.endpoint.connect([{ group: 'a', ...a.address }])
  await connected
  for (const end of [a, b.endpoint]) end.begin(50, GROUPS)
  const [left, right] = [1, 2].map((value) => request(50, 0, Float32Array.of(value)))
  await Promise.all([a.exchange(left), b.endpoint.exchange(right)])
  assert.is(new Float32Array(left.into.buffer)[0], 3)
}

async function openDisposable(clock: VirtualClock) {
  const endpoint = await openEndpoint(options('b', GROUPS, clock))
  return { endpoint, [Symbol.asyncDispose]: () => endpoint.dispose() }
}

function prefix(headerBytes: number, payloadBytes: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(headerBytes, 4)
  bytes.writeUInt32LE(payloadBytes, 8)
  return bytes
}

const openings: Record<string, [code: string, bytes: Buffer]> = {
  'bytes of another protocol': ['FRAME_INVALID', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  'a header larger than a stranger may send': ['FRAME_INVALID', prefix(1025, 0)],
  'a payload before the handshake': ['FRAME_INVALID', prefix(10, 1)],
  'a header of 4 GiB': ['FRAME_INVALID', prefix(0xffffffff, 0xffffffff)],
  'a header that is no msgpack': [
    'FRAME_INVALID',
    Buffer.concat([prefix(3, 0), Buffer.from([0xc1, 1, 2])]),
  ],
  'an abort before the handshake': [
    'AUTH_FAILED',
    encodeFrame({ kind: 'abort', generation: 0, code: 'LINK_LOST', cause: 'because' }),
  ],
  'a chunk before the handshake': ['AUTH_FAILED', encodeFrame(first)],
}

for (const [what, [code, bytes]] of Object.entries(openings)) {
  test(`B1 B2 ${what}: that link closes, the endpoint goes on`, async () => {
    await using guarded = await guard()
    const stranger = guarded.knock()
    stranger.send(bytes)
    await stranger.close()
    assert.equal(
      guarded.refused.map((error) => error.code),
      [code],
    )
    assert.equal(stranger.frames, [], 'a stranger hears nothing')
    await worksStill(guarded)
  })
}

test('B1 a replayed session is refused', async () => {
  await using guarded = await guard()
  const honest = guarded.knock()
  await honest.authenticate()
  const replay = guarded.knock()
  for (const bytes of honest.written) replay.send(bytes)
  await replay.close()
  assert.equal(
    guarded.refused.map(({ code }) => code),
    ['AUTH_FAILED'],
  )
  assert.not(honest.closed, 'the impostor did not displace the honest link')
  await worksStill(guarded)
})

test('B1 a wrong secret: AUTH_FAILED on both sides, with a sentence', async () => {
  await using guarded = await guard()
  const { a, clock, refused } = guarded
  const b = await openEndpoint({ ...options('b', GROUPS, clock), secret: 'another secret' })
  let waits = true
  const waiting = failure(a.connect([{ group: 'b', ...b.address }])).finally(() => (waits = false))
  const dialled = await failure(b.connect([{ group: 'a', ...a.address }]))
  assert.is(dialled.code, 'AUTH_FAILED')
  assert.match(dialled.message, /"a" refused.*same secret/)
  await until('the refusal', () => refused.length > 0)
  await turns()
  assert.ok(waits, 'the claim of a stranger does not end the wait for the real group')
  await clock.advance(DEADLINE_MS)
  const waited = await waiting
  assert.is(waited.code, 'AUTH_FAILED')
  assert.match(waited.message, /"b" does not hold the same secret/)
  await b.dispose()
})

test('B1 who has the secret but no place among the groups is refused', async () => {
  await using guarded = await guard()
  const { a, clock, refused } = guarded
  const x = await openEndpoint(options('x', ['a', 'x'], clock))
  const error = await failure(x.connect([{ group: 'a', ...a.address }]))
  assert.is(error.code, 'LINK_LOST')
  assert.match(refused[0].message, /"x", which may not dial/)
  await x.dispose()
})

test('B1 a stranger that stays silent is closed at the deadline', async () => {
  await using guarded = await guard()
  const silent = guarded.knock()
  await until('the knock', () => guarded.clock.pending === 1)
  await guarded.clock.advance(DEADLINE_MS - 1)
  assert.not(silent.socket.destroyed)
  await guarded.clock.advance(1)
  await silent.close()
  assert.is(guarded.refused[0].code, 'DEADLINE_EXCEEDED')
  await worksStill(guarded)
})

test('B1 strangers beyond the limit are closed unheard', async () => {
  await using guarded = await guard()
  const crowd = Array.from({ length: 70 }, () => guarded.knock())
  await until('some are closed', () => crowd.filter(({ closed }) => closed).length === 6)
  assert.is(guarded.clock.pending, 64)
})

test('a group that never comes is named at the deadline', async () => {
  await using guarded = await guard()
  const waiting = failure(guarded.a.connect([{ group: 'b', host: '127.0.0.1', port: 1 }]))
  await guarded.clock.advance(DEADLINE_MS)
  const error = await waiting
  assert.is(error.code, 'DEADLINE_EXCEEDED')
  assert.equal(error.fields['groups'], ['b'])
})

test('nobody listens where a group should be', async () => {
  const clock = virtualClock()
  const [gone, b] = await Promise.all(
    GROUPS.map((group) => openEndpoint(options(group, GROUPS, clock))),
  )
  const address = { group: 'a', ...gone.address }
  await gone.dispose()
  const error = await failure(b.connect([address]))
  assert.is(error.code, 'LINK_LOST')
  assert.match((error.cause as Error).message, /ECONNREFUSED/)
  await b.dispose()
})

const violations: Record<string, [code: string, attack: (peer: RawPeer) => void]> = {
  'a frame past the bounds': ['FRAME_INVALID', (peer) => peer.send(prefix(65_537, 0))],
  'a payload past the bounds': ['FRAME_INVALID', (peer) => peer.send(prefix(9, 4_194_305))],
  garbage: ['FRAME_INVALID', (peer) => peer.send(Buffer.alloc(64, 0xab))],
  'a chunk of another size than announced': [
    'FRAME_INVALID',
    (peer) => peer.frame(first, new Uint8Array(4)),
  ],
  'a chunk out of turn': [
    'FRAME_INVALID',
    (peer) => peer.frame({ kind: 'chunk', generation: 1, sequence: 0, index: 1 }),
  ],
  'a second handshake': ['AUTH_FAILED', (peer) => peer.send(peer.written[0])],
  'half a frame and the end': [
    'LINK_LOST',
    (peer) => {
      peer.send(encodeFrame(first, 8))
      peer.send(new Uint8Array(3))
      peer.socket.destroySoon()
    },
  ],
}

for (const [what, [code, attack]] of Object.entries(violations)) {
  test(`B2 from a member, ${what}: its link closes with a clear error`, async () => {
    await using guarded = await guard()
    const peer = guarded.knock()
    await peer.authenticate()
    const dialled = guarded.a.connect([{ group: 'b', ...guarded.a.address }])
    await dialled
    guarded.a.begin(1, GROUPS)
    const pending = failure(guarded.a.exchange(request(1, 0, Float32Array.of(1, 2))))
    attack(peer)
    const error = await pending
    assert.is(error.code, code)
    if (code === 'LINK_LOST') assert.match(error.message, /"b" closed in the middle of a frame/)
    await peer.close()
    await worksStill(guarded)
  })
}

test('C5 a stale chunk is discarded by its header and never summed', async () => {
  await using guarded = await guard()
  const peer = guarded.knock()
  await peer.authenticate()
  await guarded.a.connect([{ group: 'b', ...guarded.a.address }])
  guarded.a.begin(1, GROUPS)
  guarded.a.begin(2, GROUPS)
  const mine = request(2, 0, Float32Array.of(1, 2))
  const done = guarded.a.exchange(mine)
  const wrong = Buffer.from(Float32Array.of(1000, 1000).buffer)
  peer.frame({ ...first, generation: 1 }, wrong)
  peer.frame({ ...first, generation: 1, sequence: 9 }, wrong)
  peer.frame({ ...first, generation: 2 }, Buffer.from(Float32Array.of(10, 20).buffer))
  await done
  assert.equal([...new Float32Array(mine.into.buffer)], [11, 22])
})

test.run()
