import { KaitianError } from '@kaitian/errors'
import {
  Handshake,
  type HandshakeFrame,
  type HandshakeOptions,
  type ProvedPeer,
} from '@kaitian/train/bridge'
import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('bridge handshake')

/** Another nonce at each call, the same ones in each run. */
function nonces(first: number): () => Uint8Array {
  let next = first
  return () => new Uint8Array(32).fill(next++)
}

const dialling = (change: Partial<HandshakeOptions> = {}): Handshake =>
  new Handshake({
    role: 'dialler',
    group: 'b',
    peers: ['a'],
    generation: 4,
    received: () => 300,
    secret: 'one secret',
    nonce: nonces(1),
    ...change,
  })

const listening = (change: Partial<HandshakeOptions> = {}): Handshake =>
  new Handshake({
    role: 'listener',
    group: 'a',
    peers: ['b', 'c'],
    generation: 5,
    received: (peer) => (peer === 'b' ? 2 ** 40 : 0),
    secret: 'one secret',
    nonce: nonces(101),
    ...change,
  })

/** Plays both ends until one is satisfied or refuses; `tamper` sits between them. */
function play(dialler: Handshake, listener: Handshake, tamper = (frame: HandshakeFrame) => frame) {
  const seen: HandshakeFrame[] = []
  const peers: { dialler?: ProvedPeer; listener?: ProvedPeer } = {}
  const toListener = [...dialler.start().send]
  while (toListener.length > 0) {
    const frame = tamper(toListener.shift()!)
    seen.push(frame)
    const answer = listener.receive(frame)
    if (answer.peer !== undefined) peers.listener = answer.peer
    for (const back of answer.send) {
      seen.push(back)
      const reply = dialler.receive(tamper(back))
      if (reply.peer !== undefined) peers.dialler = reply.peer
      toListener.push(...reply.send)
    }
  }
  return { seen, peers }
}

function refused(what: string, attempt: () => unknown, code = 'AUTH_FAILED'): KaitianError {
  try {
    attempt()
  } catch (error) {
    assert.instance(error, KaitianError)
    assert.is((error as KaitianError).code, code, what)
    return error as KaitianError
  }
  return assert.unreachable(`${what} was accepted`) as never
}

test('B1 two ends with one secret know each other, and what the other has received', () => {
  assert.equal(play(dialling(), listening()).peers, {
    dialler: { group: 'a', generation: 5, received: 2 ** 40 },
    listener: { group: 'b', generation: 4, received: 300 },
  })
})

test('B1 the proofs are the HMACs that the document describes', () => {
  const { seen } = play(dialling(), listening())
  const text = (value: string): Buffer =>
    Buffer.concat([Buffer.of(0xa0 | value.length), Buffer.from(value)])
  const bin = (fill: number): Buffer => Buffer.concat([Buffer.of(0xc4, 32), Buffer.alloc(32, fill)])
  const roles = ['dialler', 'listener'].map((role) =>
    Buffer.concat([
      Buffer.of(0x9b),
      ...['kaitian bridge 2', role, 'b', 'a'].map(text),
      Buffer.of(4),
      bin(1),
      Buffer.of(0xcd, 1, 44),
      text('a'),
      Buffer.of(5),
      bin(101),
      Buffer.of(0xcf, 0, 0, 1, 0, 0, 0, 0, 0),
    ]),
  )
  const macs = roles.map((role) => createHmac('sha256', 'one secret').update(role).digest('hex'))
  const proofs = seen.flatMap((frame) => (frame.kind === 'proof' ? [frame.mac] : []))
  assert.equal(
    proofs.map((mac) => Buffer.from(mac).toString('hex')),
    macs,
  )
})

test('B1 another secret is refused, with advice', () => {
  const error = refused('another secret', () => play(dialling({ secret: 'other' }), listening()))
  assert.match(error.message, /"b" does not hold the same secret.*Give all groups/)
})

test('B1 a listener proves nothing before the dialler has', () => {
  const answer = listening().receive(dialling().start().send[0])
  assert.equal(
    answer.send.map(({ kind }) => kind),
    ['challenge'],
  )
})

test('B1 a dialler refuses a listener that cannot prove itself', () => {
  const dialler = dialling()
  const challenge = listening().receive(dialler.start().send[0]).send[0]
  const [own] = dialler.receive(challenge).send
  refused('its own proof, reflected', () => dialler.receive(own))
})

test('B1 a recorded session does not open a second one', () => {
  const { seen } = play(dialling(), listening())
  const [hello, , proof] = seen
  const again = listening({ nonce: nonces(150) })
  again.receive(hello)
  refused('a replayed proof', () => again.receive(proof))
  const careless = listening()
  careless.receive(hello)
  assert.is(careless.receive(proof).peer?.group, 'b', 'the fresh nonce is what stops the replay')
})

test('B1 C5 names, generations and counts are covered by the proofs', () => {
  const nonce = new Uint8Array(32)
  const changes: [kind: string, change: object][] = [
    ['hello', { from: 'c' }],
    ['hello', { generation: 9 }],
    ['hello', { received: 301 }],
    ['hello', { nonce }],
    ['challenge', { generation: 9 }],
    ['challenge', { received: 0 }],
    ['challenge', { nonce }],
  ]
  for (const [kind, change] of changes) {
    const tamper = (frame: HandshakeFrame): HandshakeFrame =>
      frame.kind === kind ? { ...frame, ...change } : frame
    refused(`${kind} with ${Object.keys(change)[0]} changed`, () =>
      play(dialling(), listening(), tamper),
    )
  }
})

test('B1 strangers, wrong addresses and impostors are refused', () => {
  refused('a group that may not dial', () => play(dialling({ group: 'x' }), listening()))
  refused('an earlier group, which does not dial', () =>
    play(dialling({ group: 'a' }), listening()),
  )
  refused('a hello to another group', () => play(dialling({ peers: ['z'] }), listening()))
  refused('an answer from another group', () => {
    play(dialling(), listening(), (h) => (h.kind === 'challenge' ? { ...h, from: 'c' } : h))
  })
  const barred = (): string => 'is kept out.'
  const error = refused(
    'one that is barred',
    () => play(dialling(), listening({ barred })),
    'LINK_LOST',
  )
  assert.is(error.message, 'Group "b" is kept out.')
})

test('B1 any other frame ends the handshake, and it stays ended', () => {
  const [hello] = dialling().start().send
  const { seen } = play(dialling(), listening())
  for (const frame of seen.slice(1)) {
    const listener = listening()
    refused(frame.kind, () => listener.receive(frame))
    refused('a hello after a refusal', () => listener.receive(hello))
    if (frame.kind === 'challenge') continue
    const dialler = dialling()
    dialler.start()
    refused(`${frame.kind} before a challenge`, () => dialler.receive(frame))
  }
  const done = listening()
  play(dialling(), done)
  refused('a second hello', () => done.receive(hello))
})

test.run()
