import { invalid } from './invalid.js'

/** What the arrays of a handshake hold. */
export type Scalar = number | string | Uint8Array

/**
 * The part of MessagePack that handshakes are made of: one array of unsigned integers, strings
 * and byte strings, each in its shortest form, so that a value has one encoding. Not a library's
 * work: those write numbers from 2³² on as floats and read any form, a record definition (which
 * compiles code) or a huge array's length included, so that a reader would have to walk the bytes
 * before them, which is all the work there is.
 */
export function packFlat(values: readonly Scalar[]): Buffer {
  return Buffer.concat([Buffer.of(0x90 | values.length), ...values.map(packed)])
}

function packed(value: Scalar): Buffer {
  if (typeof value === 'number') return packedInteger(value)
  if (typeof value !== 'string') return Buffer.concat([marked(0xc4, 1, value.byteLength), value])
  const text = Buffer.from(value)
  const bytes = text.byteLength
  return Buffer.concat([bytes < 32 ? Buffer.of(0xa0 | bytes) : marked(0xd9, 1, bytes), text])
}

function packedInteger(value: number): Buffer {
  if (value < 0x80) return Buffer.of(value)
  if (value < 0x100) return marked(0xcc, 1, value)
  if (value < 0x10000) return marked(0xcd, 2, value)
  if (value < 0x100000000) return marked(0xce, 4, value)
  const bytes = Buffer.of(0xcf, 0, 0, 0, 0, 0, 0, 0, 0)
  bytes.writeBigUInt64BE(BigInt(value), 1)
  return bytes
}

function marked(marker: number, width: number, value: number): Buffer {
  const bytes = Buffer.alloc(1 + width)
  bytes[0] = marker
  bytes.writeUIntBE(value, 1, width)
  return bytes
}

/** The values, which share no memory with `bytes`. @throws FRAME_INVALID */
export function unpackFlat(bytes: Buffer): Scalar[] {
  if ((bytes[0] & 0xf0) !== 0x90) throw invalid('A header is no small array')
  const reader = new Reader(bytes)
  const values = Array.from({ length: bytes[0] & 0x0f }, () => reader.scalar())
  reader.end()
  return values
}

/** Refuses bytes that are no UTF-8, and keeps all that are, or two encodings would read the same. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

class Reader {
  readonly #bytes: Buffer
  #at = 1

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  scalar(): Scalar {
    const marker = this.#take(1)[0]
    if (marker < 0x80) return marker
    if (marker >= 0xa0 && marker < 0xc0) return this.#text(marker & 0x1f)
    switch (marker) {
      case 0xc4:
        return Uint8Array.from(this.#take(this.#integer(1, 0)))
      case 0xd9:
        return this.#text(this.#integer(1, 32))
      case 0xcc:
        return this.#integer(1, 0x80)
      case 0xcd:
        return this.#integer(2, 0x100)
      case 0xce:
        return this.#integer(4, 0x10000)
      case 0xcf:
        return this.#long()
      default:
        throw invalid('A header holds something else than plain values', { at: this.#at - 1 })
    }
  }

  end(): void {
    if (this.#at < this.#bytes.byteLength) throw invalid('Bytes follow the array of a header')
  }

  /** `least`: smaller ones have a shorter form. */
  #integer(width: number, least: number): number {
    return this.#shortest(this.#take(width).readUIntBE(0, width), least)
  }

  /** Past the safe integers it is inexact, and the schemas refuse it. */
  #long(): number {
    return this.#shortest(Number(this.#take(8).readBigUInt64BE()), 0x100000000)
  }

  #shortest(value: number, least: number): number {
    if (value < least) throw invalid('A value of a header is not in its shortest form', { value })
    return value
  }

  #text(bytes: number): string {
    const text = this.#take(bytes)
    try {
      return utf8.decode(text)
    } catch (cause) {
      throw invalid('A text of a header is no UTF-8', {}, cause)
    }
  }

  #take(bytes: number): Buffer {
    const end = this.#at + bytes
    if (end > this.#bytes.byteLength) throw invalid('A header ends within a value')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}
