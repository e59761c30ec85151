import type { KaitianError } from '@kaitian/errors'
import { encodeFrame } from '@kaitian/train/bridge'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { whenNative } from '../comm-native/conformance.js'
import { RawPeer } from './raw-peer.js'
import {
  addresses,
  Cluster,
  connectAll,
  DEADLINE_MS,
  failure,
  sealed,
  turns,
  until,
  type End,
} from './support.js'

const GROUPS = ['a', 'b']

/** Group a, waiting for a group b that the test plays. */
class Guarded implements AsyncDisposable {
  readonly cluster = new Cluster()
  a!: End
  readonly #peers: RawPeer[] = []

  static async open(): Promise<Guarded> {
    const guarded = new Guarded()
    guarded.a = await guarded.cluster.open('a', GROUPS)
    return guarded
  }

  get codes(): string[] {
    return this.a.refused.map(({ code }) => code)
  }

  knock(): RawPeer {
    const peer = new RawPeer(this.a.peering.address)
    this.#peers.push(peer)
    return peer
  }

  /** Group b arrives after all. */
  async worksStill(): Promise<void> {
    const b = await this.cluster.open('b', GROUPS)
    await connectAll(this.a, b)
    assert.ok(this.a.peering.trunk('b').attached && b.peering.trunk('a').attached)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]()
    for (const peer of this.#peers) peer.socket.destroy()
  }
}

const hello = {
  kind: 'hello',
  from: 'b',
  to: 'a',
  generation: 0,
  nonce: new Uint8Array(32),
  received: 0,
} as const

const openings: Record<string, [code: string, bytes: Buffer]> = {
  'bytes of another protocol': ['FRAME_INVALID', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  'random bytes': ['FRAME_INVALID', Buffer.alloc(70_000, 0xab)],
  'a frame of version 1': ['FRAME_INVALID', sealed(Buffer.of(0x80), (p) => void (p[3] = 1))],
  'a header of 1,025 bytes': ['FRAME_INVALID', sealed(Buffer.alloc(1025))],
  'a header of 4 GiB': ['FRAME_INVALID', sealed(Buffer.of(1), (p) => void p.fill(255, 4, 8))],
  'a payload': ['FRAME_INVALID', sealed(Buffer.of(1), (p) => void p.writeUInt32LE(1, 8))],
  'a damaged hello': ['FRAME_INVALID', encodeFrame(hello).fill(1, 30, 31)],
  'a ping, which belongs on an open link': ['FRAME_INVALID', sealed(Buffer.of(0x91, 21))],
  'a proof first': ['AUTH_FAILED', encodeFrame({ kind: 'proof', mac: new Uint8Array(32) })],
  'a hello to another group': ['AUTH_FAILED', encodeFrame({ ...hello, to: 'b' })],
  'a hello from an unknown group': ['AUTH_FAILED', encodeFrame({ ...hello, from: 'x' })],
  'a hello in its own name': ['AUTH_FAILED', encodeFrame({ ...hello, from: 'a' })],
}

type Suite = ReturnType<typeof suite>

function garbage(test: Suite): void {
  for (const [what, [code, bytes]] of Object.entries(openings)) {
    test(`B1 B2 ${what}: that connection closes unanswered, the others go on`, async () => {
      await using guarded = await Guarded.open()
      const stranger = guarded.knock()
      stranger.send(bytes)
      await stranger.close()
      assert.equal(guarded.codes, [code])
      assert.is(stranger.heard, 0, 'a stranger hears nothing')
      await guarded.worksStill()
    })
  }

  test('B2 half a frame and the end: refused, and said so', async () => {
    await using guarded = await Guarded.open()
    const stranger = guarded.knock()
    stranger.send(encodeFrame(hello).subarray(0, 40))
    stranger.socket.end()
    await stranger.close()
    assert.equal(guarded.codes, ['LINK_LOST'])
    assert.match(guarded.a.refused[0].message, /in the middle of a frame/)
    await guarded.worksStill()
  })
}

function impostors(test: Suite): void {
  test('B1 a recorded session is refused, and does not displace the honest one', async () => {
    await using guarded = await Guarded.open()
    const honest = guarded.knock()
    await honest.authenticate()
    await until('the link', () => guarded.a.peering.trunk('b').attached)
    const replay = guarded.knock()
    for (const bytes of honest.written) replay.send(bytes)
    await replay.close()
    assert.equal(guarded.codes, ['AUTH_FAILED'])
    assert.equal(
      replay.frames.map(({ kind }) => kind),
      ['challenge'],
      'nothing was proved to it',
    )
    assert.not(honest.closed)
    assert.ok(guarded.a.peering.trunk('b').attached)
    assert.equal(guarded.a.lost, [])
  })

  test('B1 a wrong secret: AUTH_FAILED on both sides, with a sentence', async () => {
    await using cluster = new Cluster()
    const a = await cluster.open('a', GROUPS)
    const b = await cluster.open('b', GROUPS, { secret: 'another secret' })
    let waits = true
    const waiting = failure(a.peering.connect(addresses(b))).finally(() => (waits = false))
    const dialled = await failure(b.peering.connect(addresses(a)))
    assert.is(dialled.code, 'AUTH_FAILED')
    assert.match(dialled.message, /"a" refused.*same secret/)
    await until('the refusal', () => a.refused.length > 0)
    await turns()
    assert.ok(waits, 'the claim of a stranger does not end the wait for the real group')
    await cluster.clock.advance(DEADLINE_MS)
    const waited = await waiting
    assert.is(waited.code, 'AUTH_FAILED')
    assert.match(waited.message, /"b" does not hold the same secret/)
    assert.not(a.peering.trunk('b').attached || b.peering.trunk('a').attached)
  })

  test('B1 who has the secret but no place among the groups is refused', async () => {
    await using cluster = new Cluster()
    const a = await cluster.open('a', GROUPS)
    const x = await cluster.open('x', ['a', 'x'])
    const error = await failure(x.peering.connect(addresses(a)))
    assert.is(error.code, 'LINK_LOST')
    assert.match(a.refused[0].message, /"x", which may not dial/)
  })
}

function crowds(test: Suite): void {
  test('B1 a slow stranger is closed at the deadline, however busy it looks', async () => {
    await using guarded = await Guarded.open()
    const { clock } = guarded.cluster
    const slow = guarded.knock()
    await until('the knock', () => clock.pending === 1)
    for (const byte of encodeFrame(hello).subarray(0, 30)) slow.send(Buffer.of(byte))
    await clock.advance(DEADLINE_MS - 1)
    await turns()
    assert.not(slow.closed)
    await clock.advance(1)
    await slow.close()
    assert.equal(guarded.codes, ['DEADLINE_EXCEEDED'])
    await guarded.worksStill()
  })

  test('B1 the 65th stranger and those behind it are closed unheard', async () => {
    await using guarded = await Guarded.open()
    const crowd = Array.from({ length: 70 }, () => guarded.knock())
    await until('some are closed', () => crowd.filter(({ closed }) => closed).length === 6)
    assert.is(guarded.cluster.clock.pending, 64)
    await guarded.cluster.clock.advance(DEADLINE_MS)
    await Promise.all(crowd.map((stranger) => stranger.close()))
    await guarded.worksStill()
  })
}

/** A frame that only an open link may carry: announcement 1, of a generation to come. */
const ANNOUNCEMENT = sealed(Buffer.of(0x94, 17, 1, 0, 0x98, 0, 0, 0, 9, 0, 0, 0, 0))

function members(test: Suite): void {
  test('B1 frames behind a proof are the trunk’s, and counted towards the next handshake', async () => {
    await using guarded = await Guarded.open()
    const { peering, lost, attached } = guarded.a
    peering.generation = 6
    const first = guarded.knock()
    const proved = await first.authenticate({}, ANNOUNCEMENT)
    assert.equal(proved, { group: 'a', generation: 6, received: 0 })
    await until('the frame', () => peering.trunk('b').received === 1)
    const second = guarded.knock()
    assert.equal(await second.authenticate(), { group: 'a', generation: 6, received: 1 })
    await first.close()
    await until('the second link', () => attached.length === 2)
    assert.equal(lost, [], 'a link that was replaced is not lost')
  })

  const broken: Record<string, (peer: RawPeer) => Promise<unknown>> = {
    'claims more than it was sent': (peer) => peer.authenticate({ received: () => 5 }),
    'sends garbage': async (peer) => {
      await peer.authenticate()
      peer.send(Buffer.alloc(64, 0xab))
    },
  }
  for (const [what, misbehave] of Object.entries(broken)) {
    test(`B2 a member that ${what} is kept out until connect asks for it`, async () => {
      await using guarded = await Guarded.open()
      const { peering, lost, refused } = guarded.a
      const peer = guarded.knock()
      await misbehave(peer)
      await until('the loss', () => lost.length === 1)
      assert.is(lost[0].loss.reason, 'malformed')
      await peer.close()
      const again = guarded.knock()
      assert.is(await again.authenticate(), undefined)
      assert.match(refused[0].message, /"b" is kept out since what it sent was malformed/)
      const connected = peering.connect([{ group: 'b', host: '127.0.0.1', port: 1 }])
      await guarded.knock().authenticate()
      await connected
      assert.ok(peering.trunk('b').attached)
    })
  }

  test('B2 who waits for a member that claims too much is told so', async () => {
    await using guarded = await Guarded.open()
    const at = { group: 'b', host: '127.0.0.1', port: 1 }
    const waiting: Promise<KaitianError> = failure(guarded.a.peering.connect([at]))
    await guarded.knock().authenticate({ received: () => 5 })
    const error = await waiting
    assert.is(error.code, 'LINK_LOST')
    assert.match(error.message, /claims more frames.*connect again/)
  })
}

whenNative(() => {
  const test = suite('bridge strangers')
  for (const add of [garbage, impostors, crowds, members]) add(test)
  test.run()
})
