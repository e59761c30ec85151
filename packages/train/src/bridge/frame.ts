import * as v from 'valibot'
import { crc32c } from './crc32c.js'
import { packFlat, unpackFlat } from './flat-array.js'
import { invalid } from './invalid.js'

/**
 * The frames of a handshake, as docs/wire-format.md describes them; nothing else here knows the
 * bytes. What follows on an open link is the native core's.
 */

const VERSION = 2
const MAGIC = Buffer.from('KTN')
const CHECKED_BYTES = 12
const PREFIX_BYTES = 16
/** What strangers may make us read, before they have proved who they are. */
const MAX_HEADER_BYTES = 1024
export const NONCE_BYTES = 32
const MAC_BYTES = 32

/** No comma, since lists of groups are written with commas in between. */
export const GroupName = v.pipe(v.string(), v.regex(/^[^\s,\p{C}]{1,64}$/u))
const Natural = v.pipe(v.number(), v.safeInteger())
const bytes = (length: number) =>
  v.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.byteLength === length,
    `must be ${length} bytes`,
  )

/** First words of who dialled. */
export interface Hello {
  readonly kind: 'hello'
  readonly from: string
  readonly to: string
  /** The sender's current one, 0 before the first. */
  readonly generation: number
  readonly nonce: Uint8Array
  /** Frames that the sender has received on this link, over all connections. */
  readonly received: number
}

/** The answer of who listens. */
export type Challenge = Omit<Hello, 'kind' | 'to'> & { readonly kind: 'challenge' }

/** Sent by both: who dialled first, so that a listener proves nothing to a stranger. */
export interface Proof {
  readonly kind: 'proof'
  readonly mac: Uint8Array
}

export type HandshakeFrame = Hello | Challenge | Proof

const HELLO = 1
const CHALLENGE = 2
const PROOF = 3

const HelloEntries = v.strictTuple([
  v.literal(HELLO),
  GroupName,
  GroupName,
  Natural,
  bytes(NONCE_BYTES),
  Natural,
])
const ChallengeEntries = v.strictTuple([
  v.literal(CHALLENGE),
  GroupName,
  Natural,
  bytes(NONCE_BYTES),
  Natural,
])
const ProofEntries = v.strictTuple([v.literal(PROOF), bytes(MAC_BYTES)])

/** Entries go by position; here they get their names. */
const Frame = v.union([
  v.pipe(
    HelloEntries,
    v.transform(([, from, to, generation, nonce, received]): HandshakeFrame => {
      return { kind: 'hello', from, to, generation, nonce, received }
    }),
  ),
  v.pipe(
    ChallengeEntries,
    v.transform(([, from, generation, nonce, received]): HandshakeFrame => {
      return { kind: 'challenge', from, generation, nonce, received }
    }),
  ),
  v.pipe(
    ProofEntries,
    v.transform(([, mac]): HandshakeFrame => {
      return { kind: 'proof', mac }
    }),
  ),
])

export function encodeFrame(frame: HandshakeFrame): Buffer {
  const header = packFlat(entriesOf(frame))
  const prefix = Buffer.alloc(PREFIX_BYTES)
  MAGIC.copy(prefix)
  prefix[MAGIC.byteLength] = VERSION
  prefix.writeUInt32LE(header.byteLength, 4)
  prefix.writeUInt32LE(crc32c(prefix.subarray(0, CHECKED_BYTES), header), CHECKED_BYTES)
  return Buffer.concat([prefix, header])
}

function entriesOf(frame: HandshakeFrame): (number | string | Uint8Array)[] {
  switch (frame.kind) {
    case 'hello':
      return [HELLO, frame.from, frame.to, frame.generation, frame.nonce, frame.received]
    case 'challenge':
      return [CHALLENGE, frame.from, frame.generation, frame.nonce, frame.received]
    case 'proof':
      return [PROOF, frame.mac]
  }
}

/**
 * Cuts what a stranger sends into frames, however it is fragmented, and keeps what follows the
 * last one. Of a frame that is not complete it keeps at most 1,040 bytes.
 */
export class FrameReader {
  #bytes: Buffer = Buffer.alloc(0)

  push(piece: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, piece])
  }

  /** What is behind the frames that were taken. */
  get rest(): Buffer {
    return this.#bytes
  }

  /** The next whole frame. @throws FRAME_INVALID; the reader is then of no further use. */
  next(): HandshakeFrame | undefined {
    if (this.#bytes.byteLength < PREFIX_BYTES) return undefined
    const end = PREFIX_BYTES + headerBytes(this.#bytes)
    if (this.#bytes.byteLength < end) return undefined
    const header = this.#bytes.subarray(PREFIX_BYTES, end)
    if (crc32c(this.#bytes.subarray(0, CHECKED_BYTES), header) !== this.#bytes.readUInt32LE(12)) {
      throw invalid('A frame was damaged on its way: its checksum does not match')
    }
    this.#bytes = this.#bytes.subarray(end)
    return decode(header)
  }
}

/** Refuses lengths past the limits before anything is read (B2). */
function headerBytes(prefix: Buffer): number {
  const version = prefix[MAGIC.byteLength]
  if (!prefix.subarray(0, MAGIC.byteLength).equals(MAGIC)) {
    throw invalid('The first bytes are no frame of a link between groups')
  }
  if (version !== VERSION) {
    throw invalid(`A frame of version ${version} came, where this release speaks ${VERSION}`, {
      version,
    })
  }
  const [header, payload] = [prefix.readUInt32LE(4), prefix.readUInt32LE(8)]
  if (header < 1 || header > MAX_HEADER_BYTES || payload > 0) {
    throw invalid(
      `A frame announces ${header} bytes of header and ${payload} of payload; ` +
        `1 to ${MAX_HEADER_BYTES} and 0 are allowed in a handshake`,
      { header, payload },
    )
  }
  return header
}

function decode(header: Buffer): HandshakeFrame {
  const entries = unpackFlat(header)
  const result = v.safeParse(Frame, entries, { abortEarly: true })
  if (result.success) return result.output
  throw invalid(`A header of kind ${String(entries[0])} is none of a handshake`, {
    issue: result.issues[0].message,
  })
}
