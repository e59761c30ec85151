import { KaitianError } from '@kaitian/errors'
import { Handshake, type HandshakeOptions, type Header } from '@kaitian/train/bridge'
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
    secret: 'one secret',
    nonce: nonces(101),
    ...change,
  })

/** Plays both ends until one is satisfied or refuses; `tamper` sits between them. */
function play(dialler: Handshake, listener: Handshake, tamper = (header: Header) => header) {
  const seen: Header[] = []
  const peers: { dialler?: string; listener?: string } = {}
  let toListener = [...dialler.start().send]
  while (toListener.length > 0) {
    const frame = tamper(toListener.shift()!)
    seen.push(frame)
    const answer = listener.receive(frame)
    if (answer.peer !== undefined) peers.listener = answer.peer
    for (const back of answer.send) {
      const reply = dialler.receive(tamper(back))
      if (reply.peer !== undefined) peers.dialler = reply.peer
      toListener = [...toListener, ...reply.send]
    }
  }
  return { seen, peers }
}

function refused(what: string, attempt: () => unknown): KaitianError {
  try {
    attempt()
  } catch (error) {
    assert.instance(error, KaitianError)
    assert.is((error as KaitianError).code, 'AUTH_FAILED', what)
    return error as KaitianError
  }
  return assert.unreachable(`${what} was accepted`) as never
}

test('B1 two ends with one secret know each other', () => {
  assert.equal(play(dialling(), listening()).peers, { dialler: 'a', listener: 'b' })
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
  const again = listening({ nonce: nonces(150) })
  again.receive(seen[0])
  refused('a replayed proof', () => again.receive(seen[1]))
})

test('B1 the fresh nonce is what stops the replay', () => {
  const { seen } = play(dialling(), listening())
  const careless = listening()
  careless.receive(seen[0])
  assert.is(careless.receive(seen[1]).peer, 'b', 'with the same nonce the recording works')
})

test('B1 names and generations are covered by the proofs', () => {
  const changes: Record<string, (header: Header) => Header> = {
    'the name of the dialler': (h) => (h.kind === 'hello' ? { ...h, from: 'c' } : h),
    'the generation of the dialler': (h) => (h.kind === 'hello' ? { ...h, generation: 9 } : h),
    'the nonce of the dialler': (h) =>
      h.kind === 'hello' ? { ...h, nonce: new Uint8Array(32) } : h,
    'the generation of the listener': (h) => (h.kind === 'challenge' ? { ...h, generation: 9 } : h),
    'the nonce of the listener': (h) =>
      h.kind === 'challenge' ? { ...h, nonce: new Uint8Array(32) } : h,
  }
  for (const [what, tamper] of Object.entries(changes)) {
    refused(what, () => play(dialling(), listening(), tamper))
  }
})

test('B1 strangers, wrong addresses and impostors are refused', () => {
  refused('a group that may not dial', () => play(dialling({ group: 'x' }), listening()))
  refused('a hello to another group', () => play(dialling({ peers: ['z'] }), listening()))
  refused('an answer from another group', () => {
    play(dialling(), listening(), (h) => (h.kind === 'challenge' ? { ...h, from: 'c' } : h))
  })
})

test('B1 any other frame ends the handshake, and it stays ended', () => {
  const [hello] = dialling().start().send
  const frames: Header[] = [
    { kind: 'chunk', generation: 1, sequence: 0, index: 1 },
    { kind: 'abort', generation: 1, code: 'LINK_LOST', cause: 'x' },
    { kind: 'bye' },
    { kind: 'proof', mac: new Uint8Array(32) },
  ]
  for (const frame of frames) {
    const listener = listening()
    refused(frame.kind, () => listener.receive(frame))
    refused('a hello after a refusal', () => listener.receive(hello))
  }
  const done = listening()
  play(dialling(), done)
  refused('a second hello', () => done.receive(hello))
})

test.run()
