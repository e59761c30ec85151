import { KaitianError } from '@kaitian/errors'
import { Packr } from 'msgpackr'
import * as v from 'valibot'

/**
 * The wire's types and their codec; nothing else knows the bytes. Written down
 * for other implementations in docs/wire-format.md.
 *
 *   u32 LE magic and version | u32 LE header bytes | u32 LE payload bytes | header | payload
 *
 * The header is one flat msgpack map of scalars, the payload is raw: packing a
 * payload costs two to three times its transfer.
 */

/** 'K' 'T' 'N' and the version in the last byte. A change of any frame's meaning is a new version. */
export const MAGIC = 0x014e544b
export const PREFIX_BYTES = 12
export const MAX_HEADER_BYTES = 64 * 1024
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
/** What strangers may make us read, before they have proved who they are. */
export const MAX_HANDSHAKE_HEADER_BYTES = 1024
/** Every chunk of an exchange but the last carries this much; part of the protocol's version. */
export const CHUNK_BYTES = 1024 * 1024
export const NONCE_BYTES = 32
export const MAC_BYTES = 32

const Natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
/** A group's name. No comma: an order of groups travels as one string. */
export const GroupName = v.pipe(v.string(), v.regex(/^[^\s,\p{C}]{1,64}$/u))
const Sentence = v.pipe(v.string(), v.maxLength(4096))
const bytes = (length: number) =>
  v.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.byteLength === length,
    `must be ${length} bytes`,
  )

/** First words of who dialled. */
const Hello = v.strictObject({
  kind: v.literal('hello'),
  from: GroupName,
  to: GroupName,
  generation: Natural,
  nonce: bytes(NONCE_BYTES),
})

/** The answer of who listens. */
const Challenge = v.strictObject({
  kind: v.literal('challenge'),
  from: GroupName,
  generation: Natural,
  nonce: bytes(NONCE_BYTES),
})

/** Sent by both: who dialled first, so that a listener proves nothing to a stranger. */
const Proof = v.strictObject({ kind: v.literal('proof'), mac: bytes(MAC_BYTES) })

/** What both ends of an exchange must agree on (C3), on its first chunk. */
const SignatureEntries = {
  op: v.literal('sum'),
  dtype: v.picklist(['f32', 'i64']),
  count: Natural,
  offset: Natural,
  /** The groups that take part, in the order in which their sums combine, joined by commas. */
  order: Sentence,
}

const FirstChunk = v.strictObject({
  kind: v.literal('chunk'),
  generation: Natural,
  sequence: Natural,
  index: v.literal(0),
  ...SignatureEntries,
})

const LaterChunk = v.strictObject({
  kind: v.literal('chunk'),
  generation: Natural,
  sequence: Natural,
  index: v.pipe(Natural, v.minValue(1)),
})

/** The generation is over: why, and where it concerns one exchange, which. */
const Abort = v.strictObject({
  kind: v.literal('abort'),
  generation: Natural,
  code: v.pipe(v.string(), v.regex(/^[A-Z_]{1,64}$/)),
  cause: Sentence,
  /** The field of the signature that differed, with SIGNATURE_MISMATCH. */
  field: v.optional(v.pipe(v.string(), v.maxLength(64))),
  sequence: v.optional(Natural),
})

/** An orderly end of the link. */
const Bye = v.strictObject({ kind: v.literal('bye') })

const HeaderSchema = v.variant('kind', [
  FirstChunk,
  LaterChunk,
  Abort,
  Hello,
  Challenge,
  Proof,
  Bye,
])

export type Header = v.InferOutput<typeof HeaderSchema>
export type Hello = v.InferOutput<typeof Hello>
export type Challenge = v.InferOutput<typeof Challenge>
export type Proof = v.InferOutput<typeof Proof>
export type FirstChunk = v.InferOutput<typeof FirstChunk>
export type Chunk = FirstChunk | v.InferOutput<typeof LaterChunk>
export type Abort = v.InferOutput<typeof Abort>

/**
 * Only chunks carry a payload. `copyBuffers`, because the bytes that are
 * decoded belong to a receive buffer that will be used again.
 */
const codec = new Packr({
  useRecords: false,
  variableMapSize: true,
  int64AsType: 'number',
  copyBuffers: true,
})

/** Prefix and header of a frame, in one buffer; the payload is sent behind it as it lies. */
export function encodeFrame(header: Header, payloadBytes = 0): Buffer {
  const packed = codec.pack(header)
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + packed.byteLength)
  frame.writeUInt32LE(MAGIC, 0)
  frame.writeUInt32LE(packed.byteLength, 4)
  frame.writeUInt32LE(payloadBytes, 8)
  frame.set(packed, PREFIX_BYTES)
  return frame
}

export interface FrameLimits {
  readonly headerBytes: number
  readonly payloadBytes: number
}

export interface FramePrefix {
  readonly headerBytes: number
  readonly payloadBytes: number
}

/** Reads the fixed 12 bytes; refuses lengths past the limits before anything is allocated (B2). */
export function decodePrefix(prefix: Uint8Array, limits: FrameLimits): FramePrefix {
  const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES)
  const magic = view.getUint32(0, true)
  if (magic !== MAGIC) {
    throw invalid('The bytes are no frame of this version; run the same release on both ends', {
      magic,
      expected: MAGIC,
    })
  }
  const headerBytes = view.getUint32(4, true)
  const payloadBytes = view.getUint32(8, true)
  if (headerBytes > limits.headerBytes || payloadBytes > limits.payloadBytes) {
    throw invalid(
      `A frame announces ${headerBytes} bytes of header and ${payloadBytes} of payload; ` +
        `${limits.headerBytes} and ${limits.payloadBytes} are allowed here`,
      { headerBytes, payloadBytes, limits },
    )
  }
  return { headerBytes, payloadBytes }
}

/** Decodes and schema-checks a header (B2). The result shares no memory with `packed`. */
export function decodeHeader(packed: Uint8Array, payloadBytes: number): Header {
  requireFlatMap(packed)
  let value: unknown
  try {
    value = codec.unpack(packed)
  } catch (cause) {
    throw invalid('A header is no msgpack', {}, cause)
  }
  const result = v.safeParse(HeaderSchema, value, { abortEarly: true })
  if (!result.success) {
    const kind = (value as { kind?: unknown }).kind
    throw invalid(`A header of kind ${JSON.stringify(kind)} does not fit the schema`, {
      issue: result.issues[0].message,
    })
  }
  if (result.output.kind !== 'chunk' && payloadBytes > 0) {
    throw invalid(`A frame of kind "${result.output.kind}" carries a payload`, { payloadBytes })
  }
  return result.output
}

export function invalid(
  what: string,
  fields: Record<string, unknown> = {},
  cause?: unknown,
): KaitianError {
  return new KaitianError('FRAME_INVALID', `${what}. The link was closed.`, { fields, cause })
}

/**
 * Walks the msgpack before the library sees it. The library would follow a
 * record definition (which compiles code), an extension or the length of a huge
 * array wherever it meets one; a header needs none of them.
 */
function requireFlatMap(packed: Uint8Array): void {
  if ((packed[0] & 0xf0) !== 0x80) throw invalid('A header is no small msgpack map')
  const entries = packed[0] & 0x0f
  let at = 1
  for (let item = 0; item < entries * 2; item++) {
    const size = scalarBytes(packed, at)
    if (size === 0) throw invalid('A header holds something else than plain values', { at })
    at += size
  }
  if (at !== packed.byteLength) throw invalid('A header does not end where its frame says')
}

/** Bytes that the scalar at `at` takes, its marker included; 0 where there is none. */
function scalarBytes(packed: Uint8Array, at: number): number {
  const marker = packed[at]
  if (marker === undefined) return 0
  if (marker <= 0x7f || marker >= 0xe0) return 1
  if (marker >= 0xa0 && marker <= 0xbf) return 1 + (marker & 0x1f)
  switch (marker) {
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return 2 + (packed[at + 1] ?? 0)
    case 0xda: // str 16
      return 3 + (((packed[at + 1] ?? 0) << 8) | (packed[at + 2] ?? 0))
    case 0xcc: // uint 8
      return 2
    case 0xcd: // uint 16
      return 3
    case 0xce: // uint 32
      return 5
    case 0xcb: // float 64
    case 0xcf: // uint 64
      return 9
    default:
      return 0
  }
}
