import { KaitianError } from '@kaitian/errors'

/** Before each frame's body stands its length, u32 LE. */
export const PREFIX_BYTES = 4

/** Cuts a stream of bytes into frames, wherever its chunks begin and end. Each byte is copied at most once. */
export class FrameReader {
  readonly #maxBytes: number
  readonly #prefix = Buffer.alloc(PREFIX_BYTES)
  #prefixBytes = 0
  /** Of a frame that began in an earlier chunk. */
  #body: Buffer | undefined
  #bodyBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * The bodies that `chunk` completes; they may lie in it, so read them before it is used again.
   *
   * @throws FRAME_INVALID, and is of no use after that
   */
  *push(chunk: Buffer): Generator<Buffer> {
    let at = 0
    while (at < chunk.byteLength) {
      if (this.#body === undefined) {
        at += this.#readPrefix(chunk, at)
        if (this.#prefixBytes < PREFIX_BYTES) return
        const byteLength = this.#bodyLength()
        if (at + byteLength <= chunk.byteLength) {
          this.#prefixBytes = 0
          yield chunk.subarray(at, (at += byteLength))
          continue
        }
        this.#body = Buffer.allocUnsafe(byteLength)
        this.#bodyBytes = 0
      }
      const copied = chunk.copy(this.#body, this.#bodyBytes, at)
      at += copied
      this.#bodyBytes += copied
      if (this.#bodyBytes < this.#body.byteLength) return
      const body = this.#body
      this.#body = undefined
      this.#prefixBytes = 0
      yield body
    }
  }

  #readPrefix(chunk: Buffer, at: number): number {
    const missing = PREFIX_BYTES - this.#prefixBytes
    const copied = chunk.copy(this.#prefix, this.#prefixBytes, at, at + missing)
    this.#prefixBytes += copied
    return copied
  }

  #bodyLength(): number {
    const byteLength = this.#prefix.readUInt32LE()
    if (byteLength <= this.#maxBytes) return byteLength
    throw new KaitianError(
      'FRAME_INVALID',
      `Another process announces a message of ${byteLength} bytes, where ${this.#maxBytes} are allowed; run the same release in both`,
      { fields: { byteLength, maxBytes: this.#maxBytes } },
    )
  }
}
