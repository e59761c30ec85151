import { seededRandom } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import {
  decodeHeader,
  encodeFrame,
  FrameParser,
  MAGIC,
  MAX_HEADER_BYTES,
  MAX_PAYLOAD_BYTES,
  PREFIX_BYTES,
  type Header,
  type Landing,
} from '@kaitian/train/bridge'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('bridge frames')
const limits = { headerBytes: MAX_HEADER_BYTES, payloadBytes: MAX_PAYLOAD_BYTES }
const random = seededRandom('bridge frames')

const natural = fc.maxSafeNat()
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const name = fc.stringMatching(/^[a-z0-9._-]{1,64}$/)
const headers: fc.Arbitrary<Header> = fc.oneof(
  fc.record({
    kind: fc.constant('chunk' as const),
    generation: natural,
    sequence: natural,
    index: fc.constant(0 as const),
    op: fc.constant('sum' as const),
    dtype: fc.constantFrom('f32' as const, 'i64' as const),
    count: natural,
    offset: natural,
    order: fc.string({ maxLength: 300 }),
  }),
  fc.record({
    kind: fc.constant('chunk' as const),
    generation: natural,
    sequence: natural,
    index: fc.integer({ min: 1, max: 2 ** 40 }),
  }),
  fc.record(
    {
      kind: fc.constant('abort' as const),
      generation: natural,
      code: fc.constantFrom('LINK_LOST', 'SIGNATURE_MISMATCH'),
      cause: fc.string({ maxLength: 1000 }),
      field: fc.constant('count'),
      sequence: natural,
    },
    { requiredKeys: ['kind', 'generation', 'code', 'cause'] },
  ),
  fc.record({
    kind: fc.constant('hello' as const),
    from: name,
    to: name,
    generation: natural,
    nonce: bytes32,
  }),
  fc.record({ kind: fc.constant('proof' as const), mac: bytes32 }),
  fc.constant({ kind: 'bye' as const }),
)

/** A sink that keeps everything, and lets each frame wait as often as told. */
function collector(waits: number): { parser: FrameParser; frames: [Header, Buffer][] } {
  const frames: [Header, Buffer][] = []
  let payload = Buffer.alloc(0)
  let asked = 0
  const parser = new FrameParser({
    limits,
    header(_, payloadBytes): Landing {
      if (asked++ < waits) return 'wait'
      asked = 0
      payload = Buffer.alloc(payloadBytes)
      return payload
    },
    end: (header) => void frames.push([plain(header), payload]),
  })
  return { parser, frames }
}

/** Buffers as plain arrays, so that values compare. */
function plain<H extends object>(header: H): H {
  const entries = Object.entries(header).map(([key, value]) => {
    return [key, value instanceof Uint8Array ? Uint8Array.from(value) : (value as unknown)]
  })
  return Object.fromEntries(entries) as H
}

function refused(what: string, attempt: () => unknown): string {
  try {
    attempt()
  } catch (error) {
    assert.instance(error, KaitianError)
    assert.is((error as KaitianError).code, 'FRAME_INVALID', what)
    return (error as KaitianError).message
  }
  return assert.unreachable(`${what} was accepted`) as never
}

test('B2 a header survives the wire', () => {
  fc.assert(
    fc.property(headers, (header) => {
      const frame = encodeFrame(header)
      assert.equal(plain(decodeHeader(frame.subarray(PREFIX_BYTES), 0)), plain(header))
    }),
    { seed: 1, numRuns: 300 },
  )
})

test('any fragmentation of a stream parses the same, also when frames wait', () => {
  const frame = fc.tuple(headers, fc.integer({ min: 0, max: 3000 }))
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
      fc.integer({ min: 0, max: 2 }),
      (sent, cuts, waits) => {
        const expected = sent.map(([header, size]): [Header, Buffer] => {
          const payload = Buffer.alloc(header.kind === 'chunk' ? size : 0)
          for (let i = 0; i < payload.byteLength; i++) payload[i] = random.integer(256)
          return [plain(header), payload]
        })
        const stream = Buffer.concat(
          expected.flatMap(([header, payload]) => [encodeFrame(header, payload.length), payload]),
        )
        const { parser, frames } = collector(waits)
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const size = cuts[cut % cuts.length]
          let running = parser.push(stream.subarray(at, at + size))
          while (!running) running = parser.resume()
          at += size
        }
        assert.equal(frames, expected)
        assert.ok(parser.betweenFrames)
      },
    ),
    { seed: 2, numRuns: 300 },
  )
})

test('B2 lengths past the limits are refused before anything behind them is read', () => {
  for (const [headerBytes, payloadBytes] of [
    [MAX_HEADER_BYTES + 1, 0],
    [0xffffffff, 0],
    [10, MAX_PAYLOAD_BYTES + 1],
    [10, 0xffffffff],
  ]) {
    const prefix = Buffer.alloc(PREFIX_BYTES)
    prefix.writeUInt32LE(MAGIC, 0)
    prefix.writeUInt32LE(headerBytes, 4)
    prefix.writeUInt32LE(payloadBytes, 8)
    refused(`${headerBytes} / ${payloadBytes}`, () => collector(0).parser.push(prefix))
  }
})

test('B2 bytes of another protocol or version are refused', () => {
  refused('HTTP', () => collector(0).parser.push(Buffer.from('GET / HTTP/1.1\r\n\r\n')))
  const next = encodeFrame({ kind: 'bye' })
  next[3]++
  refused('the next version', () => collector(0).parser.push(next))
})

test('B2 arbitrary bytes as a header are refused or valid, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (packed) => {
      refused('random bytes', () => decodeHeader(packed, 0))
    }),
    { seed: 3, numRuns: 2000 },
  )
})

test('B2 a header damaged in one byte is refused or still fits the schema', () => {
  const frame = encodeFrame({ kind: 'chunk', generation: 3, sequence: 70_000, index: 5 })
  const packed = frame.subarray(PREFIX_BYTES)
  fc.assert(
    fc.property(fc.nat(packed.length - 1), fc.nat(255), (at, value) => {
      const damaged = Buffer.from(packed)
      damaged[at] = value
      try {
        assert.is(decodeHeader(damaged, 0).kind, 'chunk')
      } catch (error) {
        assert.is((error as KaitianError).code, 'FRAME_INVALID')
      }
    }),
    { seed: 4, numRuns: 2000 },
  )
})

test('B1 records, extensions, arrays and nested maps never reach the decoder', () => {
  const kindBye = [0xa4, ...Buffer.from('kind'), 0xa3, ...Buffer.from('bye')]
  const hidden: Record<string, number[]> = {
    'record definition': [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01],
    'date extension': [0xd6, 0xff, 0, 0, 0, 0],
    'extension of a given length': [0xc7, 0x01, 0x42, 0x01],
    'huge array': [0xdd, 0xff, 0xff, 0xff, 0xff],
    'nested map': [0x81, 0xa1, 0x61, 0x01],
    'str 32': [0xdb, 0x7f, 0xff, 0xff, 0xff],
    'bin 32': [0xc6, 0x7f, 0xff, 0xff, 0xff],
  }
  assert.is(decodeHeader(Uint8Array.from([0x81, ...kindBye]), 0).kind, 'bye')
  for (const [what, value] of Object.entries(hidden)) {
    const header = Uint8Array.from([0x82, ...kindBye, 0xa1, 0x78, ...value])
    // the library or the schema would refuse them as well, but only after having met them
    assert.match(
      refused(what, () => decodeHeader(header, 0)),
      /else than plain values/,
    )
    if (what === 'nested map') continue
    const bare = refused(`${what} as the header`, () => decodeHeader(Uint8Array.from(value), 0))
    assert.match(bare, /no small msgpack map/)
  }
})

test('B2 the schema refuses what is missing, unknown or out of range', () => {
  const chunk = { kind: 'chunk', generation: 1, sequence: 2, index: 1 }
  const bad: Record<string, object> = {
    'an unknown kind': { ...chunk, kind: 'code' },
    'an unknown field': { ...chunk, run: 'x' },
    'a missing field': { kind: 'chunk', generation: 1, sequence: 2 },
    'a first chunk without its signature': { ...chunk, index: 0 },
    'a negative number': { ...chunk, sequence: -1 },
    'a fraction': { ...chunk, generation: 1.5 },
    'a short nonce': { kind: 'challenge', from: 'a', generation: 0, nonce: new Uint8Array(31) },
    'a name with a comma': {
      kind: 'challenge',
      from: 'a,b',
      generation: 0,
      nonce: new Uint8Array(32),
    },
  }
  for (const [what, header] of Object.entries(bad)) {
    const packed = encodeFrame(header as Header).subarray(PREFIX_BYTES)
    refused(what, () => decodeHeader(packed, 0))
  }
})

test('B2 only chunks carry a payload', () => {
  const packed = encodeFrame({ kind: 'bye' }).subarray(PREFIX_BYTES)
  refused('a bye with a payload', () => decodeHeader(packed, 1))
})

test('a payload that has lost its use is not written any more', () => {
  const landing = Buffer.alloc(8)
  const ended: Header[] = []
  const parser = new FrameParser({
    limits,
    header: () => landing,
    end: (header) => void ended.push(header),
  })
  const chunk = { kind: 'chunk', generation: 1, sequence: 0, index: 1 } as const
  parser.push(Buffer.concat([encodeFrame(chunk, 8), Buffer.from([1, 2, 3])]))
  parser.discard((header) => header.kind === 'chunk' && header.generation === 1)
  parser.push(Buffer.from([4, 5, 6, 7, 8]))
  assert.equal([...landing], [1, 2, 3, 0, 0, 0, 0, 0])
  assert.equal(ended, [chunk])
})

test.run()
