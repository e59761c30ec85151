import { Deserializer, Serializer } from 'node:v8'
import { isKaitianError, KaitianError, messageOf } from '@kaitian/errors'
import { Packr, RESERVE_START_SPACE } from 'msgpackr/pack'
import { isDeeperThan } from './depth.js'
import { isPlain } from './plain.js'

/**
 * Messages between processes, as bytes with the meaning of structured clone.
 *
 * What is plain goes as msgpack, which is two to six times as fast as V8's serialiser. All else
 * (cycles, shared parts, Map, Date, typed arrays, −0, …) V8 serialises, by the code that clones
 * it between threads: msgpackr's own mode for it loses holes, −0, lone surrogates, byte order
 * marks, `__proto__` and what views share. On the wire such a message is one msgpack bin, which
 * plain data never is.
 *
 * `msgpackr/pack` is msgpackr without its native extra, which reads messages like ours no faster,
 * and takes 45 ms to load in every thread.
 */
const packr = new Packr({
  // Records would make the reader compile code for each message.
  useRecords: false,
  // Without it an object of more than 65,535 keys cannot be packed.
  variableMapSize: true,
  useToJSON: false,
  structuredClone: false,
})

/** A small message's part of msgpackr's buffer, which it keeps for the next ones. */
const SLAB_BYTES = 8192
/** After a larger message the buffer is replaced: else it, and each later one, stays that large. */
const LARGE_BYTES = 1 << 20

/** V8 needs more stack to read than to write: a deeper message could be sent and not received. */
const DEEPEST = 500

const BIN_32 = 0xc6
const BIN_32_PREFIX_BYTES = 5

/**
 * @param reserved bytes that are left free at the start
 * @throws MESSAGE_NOT_CLONEABLE
 */
export function encode(message: unknown, reserved = 0): Buffer {
  try {
    return isPlain(message) ? encodePlain(message, reserved) : encodeClone(message, reserved)
  } catch (cause) {
    if (isKaitianError(cause)) throw cause
    const why = messageOf(cause)
    throw notCloneable(`A message cannot cross processes (${why}); send plain data and refs`, cause)
  }
}

/** @throws FRAME_INVALID when no codec wrote these bytes */
export function decode(bytes: Uint8Array): unknown {
  try {
    return bytes[0] === BIN_32 ? decodeClone(bytes) : (packr.unpack(bytes) as unknown)
  } catch (cause) {
    throw new KaitianError(
      'FRAME_INVALID',
      `A message of ${bytes.byteLength} bytes from another process cannot be read; run the same release in both`,
      { cause, fields: { byteLength: bytes.byteLength } },
    )
  }
}

function encodePlain(message: unknown, reserved: number): Buffer {
  const bytes = packr.pack(message, RESERVE_START_SPACE + reserved)
  if (bytes.byteLength > LARGE_BYTES) packr.useBuffer(Buffer.allocUnsafeSlow(SLAB_BYTES))
  return bytes
}

function encodeClone(message: unknown, reserved: number): Buffer {
  if (isDeeperThan(DEEPEST, message)) {
    throw notCloneable(
      `A message nests more than ${DEEPEST} levels, too deep to cross processes; send flatter data`,
    )
  }
  const prefixBytes = reserved + BIN_32_PREFIX_BYTES
  const cloner = new Cloner()
  cloner.writeRawBytes(Buffer.alloc(prefixBytes))
  cloner.writeHeader()
  cloner.writeValue(message)
  const bytes = cloner.releaseBuffer()
  bytes.writeUInt8(BIN_32, reserved)
  bytes.writeUInt32BE(bytes.byteLength - prefixBytes, reserved + 1)
  return bytes
}

function decodeClone(bytes: Uint8Array): unknown {
  const clone = bytes.subarray(BIN_32_PREFIX_BYTES)
  const { byteLength } = clone
  const announced = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
  if (announced !== byteLength) throw new Error(`${byteLength} bytes where ${announced} should be`)
  const reader = new Deserializer(clone)
  reader.readHeader()
  return reader.readValue()
}

class Cloner extends Serializer {
  /** V8's hook; what it returns would stand for the buffer. */
  // oxlint-disable-next-line no-unused-private-class-members -- called by V8
  _getSharedArrayBufferId(): never {
    throw notCloneable(
      'Shared memory crosses processes only as a SharedRegion; send its address instead',
    )
  }
}

function notCloneable(sentence: string, cause?: unknown): KaitianError {
  return new KaitianError('MESSAGE_NOT_CLONEABLE', sentence, { cause })
}
