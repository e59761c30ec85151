import {
  decodeHeader,
  decodePrefix,
  PREFIX_BYTES,
  type FrameLimits,
  type FramePrefix,
  type Header,
} from './frame.js'

/** Where a payload goes: into this memory, nowhere, or nowhere yet. */
export type Landing = Uint8Array | 'discard' | 'wait'

/** What a parser hands its frames to. */
export interface FrameSink {
  /** The limits that hold for the next frame. */
  readonly limits: FrameLimits
  /** 'wait' stops the parser, which asks again on `resume`. A target has exactly `payloadBytes`. */
  header(header: Header, payloadBytes: number): Landing
  /** The whole frame is there. */
  end(header: Header): void
}

/** A frame whose header is known. */
interface OpenFrame {
  readonly header: Header
  readonly payloadBytes: number
  landing: Landing
  filled: number
}

const NOTHING: Uint8Array = new Uint8Array(0)

/**
 * Cuts a byte stream into frames, however it is fragmented. Payload goes
 * straight to where the sink wants it; what is kept here is at most one prefix
 * or header, and while it waits the rest of the fragment that was pushed.
 */
export class FrameParser {
  readonly #sink: FrameSink
  /** The beginning of a prefix or header; `#gathered` bytes of it have arrived. */
  #partial = NOTHING
  #gathered = 0
  #prefix: FramePrefix | undefined
  #frame: OpenFrame | undefined
  /** Bytes behind the header that waits. */
  #rest = NOTHING

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** False while a frame has begun and not ended. */
  get betweenFrames(): boolean {
    return this.#prefix === undefined && this.#gathered === 0
  }

  /**
   * Takes the next bytes, of which it keeps a view only when it waits.
   * @returns false when it waits: push no more until `resume` returned true.
   * @throws FRAME_INVALID; the parser is then of no further use.
   */
  push(bytes: Uint8Array): boolean {
    let at = 0
    for (;;) {
      if (this.#frame?.landing === 'wait') {
        this.#rest = bytes.subarray(at)
        return false
      }
      const taken = this.#frame === undefined ? this.#head(bytes, at) : this.#payload(bytes, at)
      if (taken === 'short') return true
      at += taken
    }
  }

  /** Asks the sink again about the frame that waits, then goes on with the bytes behind it. */
  resume(): boolean {
    const frame = this.#frame
    if (frame?.landing !== 'wait') return true
    frame.landing = this.#sink.header(frame.header, frame.payloadBytes)
    if (frame.landing === 'wait') return false
    const rest = this.#rest
    this.#rest = NOTHING
    return this.push(rest)
  }

  /** A payload that is on its way in and has lost its use: its memory is not written again. */
  discard(useless: (header: Header) => boolean): void {
    const frame = this.#frame
    if (frame === undefined || frame.landing === 'wait') return
    if (useless(frame.header)) frame.landing = 'discard'
  }

  /** Reads a prefix or a header; bytes taken, or 'short' when the fragment ended first. */
  #head(bytes: Uint8Array, at: number): number | 'short' {
    const wanted = this.#prefix?.headerBytes ?? PREFIX_BYTES
    const taken = Math.min(wanted - this.#gathered, bytes.byteLength - at)
    const complete = this.#gather(bytes.subarray(at, at + taken), wanted)
    if (complete === undefined) return 'short'
    if (this.#prefix === undefined) {
      this.#prefix = decodePrefix(complete, this.#sink.limits)
      return taken
    }
    const { payloadBytes } = this.#prefix
    const header = decodeHeader(complete, payloadBytes)
    const landing = this.#sink.header(header, payloadBytes)
    this.#frame = { header, payloadBytes, landing, filled: 0 }
    return taken
  }

  #gather(piece: Uint8Array, wanted: number): Uint8Array | undefined {
    // usually a head lies in one fragment, and is read where it lies
    if (this.#gathered === 0 && piece.byteLength === wanted) return piece
    if (this.#partial.byteLength < wanted) {
      const grown = new Uint8Array(wanted)
      grown.set(this.#partial.subarray(0, this.#gathered))
      this.#partial = grown
    }
    this.#partial.set(piece, this.#gathered)
    this.#gathered += piece.byteLength
    if (this.#gathered < wanted) return undefined
    this.#gathered = 0
    return this.#partial.subarray(0, wanted)
  }

  #payload(bytes: Uint8Array, at: number): number | 'short' {
    const frame = this.#frame!
    const taken = Math.min(frame.payloadBytes - frame.filled, bytes.byteLength - at)
    if (frame.landing instanceof Uint8Array && taken > 0) {
      frame.landing.set(bytes.subarray(at, at + taken), frame.filled)
    }
    frame.filled += taken
    if (frame.filled < frame.payloadBytes) return 'short'
    this.#frame = undefined
    this.#prefix = undefined
    this.#sink.end(frame.header)
    return taken
  }
}
