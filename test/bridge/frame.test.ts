import { KaitianError } from '@kaitian/errors'
import { encodeFrame, FrameReader, type HandshakeFrame } from '@kaitian/train/bridge'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sealed } from './support.js'

const test = suite('bridge frames')

const natural = fc.oneof(fc.maxSafeNat(), fc.integer({ min: 0, max: 70_000 }))
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const name = fc.oneof(
  fc.stringMatching(/^[a-z0-9._-]{1,64}$/),
  fc.constantFrom('Gruppe-ä', '東'.repeat(64)),
)
/** Plain objects, as those that are read, so that they compare. */
const plain = { noNullPrototype: true } as const
const introduction = { generation: natural, nonce: bytes32, received: natural }
const frames: fc.Arbitrary<HandshakeFrame> = fc.oneof(
  fc.record({ kind: fc.constant('hello' as const), from: name, to: name, ...introduction }, plain),
  fc.record({ kind: fc.constant('challenge' as const), from: name, ...introduction }, plain),
  fc.record({ kind: fc.constant('proof' as const), mac: bytes32 }, plain),
)

function all(reader: FrameReader): HandshakeFrame[] {
  const found: HandshakeFrame[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) found.push(frame)
  return found
}

function read(bytes: Uint8Array): HandshakeFrame[] {
  const reader = new FrameReader()
  reader.push(bytes)
  return all(reader)
}

function refused(what: string, bytes: Uint8Array): string {
  try {
    read(bytes)
  } catch (error) {
    assert.instance(error, KaitianError)
    assert.is((error as KaitianError).code, 'FRAME_INVALID', what)
    return (error as KaitianError).message
  }
  return assert.unreachable(`${what} was accepted`) as never
}

const MAC = Buffer.alloc(32, 7)
const NONCE = Buffer.concat([Buffer.of(0xc4, 32), Buffer.alloc(32, 9)])
/** A challenge of group `a`, around a generation and a count as given. */
const challenge = (generation: number[], received: number[]): Buffer =>
  Buffer.concat([Buffer.of(0x95, 2, 0xa1, 0x61, ...generation), NONCE, Buffer.of(...received)])

test('a frame has the bytes that the document describes', () => {
  const header = Buffer.concat([Buffer.of(0x92, 3, 0xc4, 32), MAC])
  assert.equal(encodeFrame({ kind: 'proof', mac: MAC }), sealed(header))
  const nonce = Uint8Array.from(NONCE.subarray(2))
  const frame = { kind: 'challenge', from: 'a', generation: 200, nonce, received: 2 ** 33 } as const
  const bytes = challenge([0xcc, 200], [0xcf, 0, 0, 0, 2, 0, 0, 0, 0])
  assert.equal(encodeFrame(frame), sealed(bytes))
  assert.equal(read(sealed(bytes)), [frame])
})

test('B2 any fragmentation reads the same, and what is behind is kept', () => {
  fc.assert(
    fc.property(
      fc.array(frames, { maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      fc.uint8Array({ maxLength: 15 }),
      (sent, cuts, behind) => {
        const stream = Buffer.concat([...sent.map(encodeFrame), behind])
        const reader = new FrameReader()
        const found: HandshakeFrame[] = []
        for (let at = 0, cut = 0; at < stream.byteLength; cut++) {
          const end = at + cuts[cut % cuts.length]
          reader.push(stream.subarray(at, end))
          found.push(...all(reader))
          at = end
        }
        assert.equal(found, sent)
        assert.equal(Uint8Array.from(reader.rest), behind)
      },
    ),
    { seed: 1, numRuns: 300 },
  )
})

test('B2 a frame with any bit changed is never acted on', () => {
  fc.assert(
    fc.property(frames, fc.nat(), fc.integer({ min: 0, max: 7 }), (frame, at, bit) => {
      const bytes = encodeFrame(frame)
      bytes[at % bytes.byteLength] ^= 1 << bit
      try {
        assert.equal(read(bytes), [], 'a length may have grown, and then more is waited for')
      } catch (error) {
        assert.is((error as KaitianError).code, 'FRAME_INVALID', String(error))
      }
    }),
    { seed: 2, numRuns: 2000 },
  )
})

test('B2 any bytes with the right checksum are a frame in its one encoding, or refused', () => {
  const header = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 120 }),
    fc.tuple(frames, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([frame, at, byte]) => {
      const bytes = encodeFrame(frame).subarray(16)
      bytes[at % bytes.byteLength] = byte
      return bytes
    }),
  )
  fc.assert(
    fc.property(header, (bytes) => {
      try {
        for (const frame of read(sealed(bytes))) assert.equal(encodeFrame(frame), sealed(bytes))
      } catch (error) {
        assert.is((error as KaitianError).code, 'FRAME_INVALID', String(error))
      }
    }),
    { seed: 3, numRuns: 3000 },
  )
})

test('B2 lengths, versions and other protocols are refused before a header is read', () => {
  const prefix = (change: (prefix: Buffer) => void): Buffer =>
    sealed(Buffer.of(1), change).subarray(0, 16)
  const version = refused(
    'version 1',
    prefix((p) => void (p[3] = 1)),
  )
  assert.match(version, /version 1 came.*speaks 2/)
  refused('another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  refused(
    'no header',
    prefix((p) => void p.writeUInt32LE(0, 4)),
  )
  refused(
    'a large header',
    prefix((p) => void p.writeUInt32LE(1025, 4)),
  )
  refused(
    'a huge header',
    prefix((p) => void p.writeUInt32LE(0xffffffff, 4)),
  )
  refused(
    'a payload',
    prefix((p) => void p.writeUInt32LE(1, 8)),
  )
  assert.equal(read(prefix((p) => void p.writeUInt32LE(1024, 4))), [], 'within the limit it waits')
})

test('B2 what is not in its shortest form, or not listed, is refused', () => {
  const headers: Record<string, Buffer> = {
    'a long zero': challenge([0xcc, 0], [0]),
    'a long 255': challenge([0xcd, 0, 255], [0]),
    'a long 65535': challenge([0xce, 0, 0, 255, 255], [0]),
    'a long 2^32 - 1': challenge([0xcf, 0, 0, 0, 0, 255, 255, 255, 255], [0]),
    'more than a safe integer': challenge([0xcf, 0, 32, 0, 0, 0, 0, 0, 0], [0]),
    'a float': challenge([0xcb, 0, 0, 0, 0, 0, 0, 0, 0], [0]),
    'a negative number': challenge([0xff], [0]),
    nil: challenge([0xc0], [0]),
    'a map': challenge([0x80], [0]),
    'an array': challenge([0x90], [0]),
    'an extension': challenge([0xd4, 0x72, 0x40], [0]),
    'a long text': challenge([0xd9, 1, 0x61], [0]),
    'a text of 16 bits': challenge([0xda, 0, 1, 0x61], [0]),
    'bytes behind it': Buffer.concat([challenge([0], [0]), Buffer.of(0)]),
    'an entry too few': Buffer.concat([Buffer.of(0x94, 2, 0xa1, 0x61, 0), NONCE]),
    'a header that ends within a value': challenge([0], [0xcd, 1]),
    'a name that is no UTF-8': Buffer.concat([
      Buffer.of(0x95, 2, 0xa1, 0xff, 0),
      NONCE,
      Buffer.of(0),
    ]),
    'a name with a comma': Buffer.concat([Buffer.of(0x95, 2, 0xa1, 0x2c, 0), NONCE, Buffer.of(0)]),
    'an empty name': Buffer.concat([Buffer.of(0x95, 2, 0xa0, 0), NONCE, Buffer.of(0)]),
    'a short mac': Buffer.from([0x92, 3, 0xc4, 1, 1]),
    'a ping': Buffer.from([0x91, 21]),
    'an array of 2^32 - 1 entries': Buffer.from([0xdd, 255, 255, 255, 255]),
  }
  assert.is(read(sealed(challenge([0], [0]))).length, 1)
  for (const [what, header] of Object.entries(headers)) refused(what, sealed(header))
})

test.run()
