import type { Duplex } from 'node:stream'
import type { Clock } from '@kaitian/actors'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import {
  encodeFrame,
  MAX_HANDSHAKE_HEADER_BYTES,
  MAX_HEADER_BYTES,
  MAX_PAYLOAD_BYTES,
  type Abort,
  type Chunk,
  type Header,
} from './frame.js'
import { refusal, type Handshake } from './handshake.js'
import { FrameParser, type Landing } from './parser.js'

/** What becomes of a link and of the frames that arrive on it. */
export interface LinkEvents {
  /** The peer has proved who it is; `link.peer` is set. */
  opened(link: Link): void
  chunk(link: Link, chunk: Chunk, payloadBytes: number): Landing
  chunkEnd(link: Link, chunk: Chunk): void
  abort(link: Link, abort: Abort): void
  /** Once, whatever the reason: LINK_LOST, FRAME_INVALID, AUTH_FAILED or DEADLINE_EXCEEDED. */
  closed(link: Link, error: KaitianError): void
}

interface Outgoing {
  readonly chunk: Chunk
  readonly payload: Uint8Array
  readonly flushed: () => void
}

/** Frames handed to the socket at a time: one on its way, one behind it so that it never idles. */
const WINDOW = 2

const STRANGER = { headerBytes: MAX_HANDSHAKE_HEADER_BYTES, payloadBytes: 0 }
const MEMBER = { headerBytes: MAX_HEADER_BYTES, payloadBytes: MAX_PAYLOAD_BYTES }

/**
 * One connection to a peer group. B1: until the handshake is through nothing but
 * its frames is acted on. B3: payload is never copied; what is queued here are
 * references to the senders' memory, and what arrives before its place is known
 * stays in the socket.
 */
export class Link {
  /** The peer's group, once it has proved it. */
  peer: string | undefined
  readonly #stream: Duplex
  readonly #handshake: Handshake
  readonly #clock: Pick<Clock, 'now'>
  readonly #events: LinkEvents
  readonly #parser: FrameParser
  #queue: Outgoing[] = []
  #inFlight = 0
  #lastProgress: number
  #closed = false
  #cause: Error | undefined
  readonly #gone: Promise<void>

  constructor(stream: Duplex, handshake: Handshake, clock: Pick<Clock, 'now'>, events: LinkEvents) {
    this.#stream = stream
    this.#handshake = handshake
    this.#clock = clock
    this.#events = events
    this.#lastProgress = clock.now()
    this.#parser = this.#openParser()
    stream.on('data', (bytes: Uint8Array) => this.#receive(() => this.#parser.push(bytes)))
    stream.on('error', (error) => (this.#cause ??= error))
    this.#gone = new Promise((resolve) => {
      stream.once('close', () => {
        this.fail(this.#lost())
        resolve()
      })
    })
    for (const header of handshake.start().send) this.#stream.write(encodeFrame(header))
  }

  /** The group at the other end; before the handshake is through, the one it claims to be. */
  get name(): string | undefined {
    return this.peer ?? this.#handshake.claimed
  }

  /** When this link last took or brought a byte. */
  get lastProgress(): number {
    return this.#lastProgress
  }

  /**
   * Queues a chunk; chunks leave in the order of their calls. `payload` must
   * stay as it is until `flushed` is called, which a link that closes never does.
   */
  send(chunk: Chunk, payload: Uint8Array, flushed: () => void): void {
    if (this.#closed) return
    this.#queue.push({ chunk, payload, flushed })
    this.#pump()
  }

  /** Sends an abort ahead of all chunks that are still queued. */
  sendAbort(abort: Abort): void {
    if (!this.#closed) this.#stream.write(encodeFrame(abort))
  }

  /** Forgets the generation's queued chunks and writes no more of it into anyone's memory. */
  drop(generation: number): void {
    this.#queue = this.#queue.filter(({ chunk }) => chunk.generation !== generation)
    this.#parser.discard((header) => header.kind === 'chunk' && header.generation === generation)
  }

  /** A place may be known now for the chunk that waits. */
  resume(): void {
    if (!this.#closed && this.#stream.isPaused()) this.#receive(() => this.#parser.resume())
  }

  /** Closes at once and reports the reason, the first time. */
  fail(error: KaitianError): void {
    if (this.#closed) return
    this.#closed = true
    this.#queue = []
    this.#parser.discard(() => true)
    this.#stream.destroy()
    this.#events.closed(this, error)
  }

  /** Closes without a report, with a last word where the socket still takes one. */
  async dispose(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#queue = []
      this.#parser.discard(() => true)
      const stuck = this.peer === undefined || this.#stream.writableLength > 0
      if (stuck) this.#stream.destroy()
      else this.#stream.end(encodeFrame({ kind: 'bye' }), () => this.#stream.destroy())
      // a peer that does not read must not keep us
      if (this.#stream.writableLength > 0) this.#stream.destroy()
    }
    await this.#gone
  }

  #pump(): void {
    while (this.#inFlight < WINDOW && this.#queue.length > 0) {
      const { chunk, payload, flushed } = this.#queue.shift()!
      this.#inFlight++
      // one writev: header and payload leave together, neither is copied
      this.#stream.cork()
      this.#stream.write(encodeFrame(chunk, payload.byteLength))
      this.#stream.write(payload, (error) => {
        this.#inFlight--
        if (error || this.#closed) return
        this.#lastProgress = this.#clock.now()
        flushed()
        this.#pump()
      })
      this.#stream.uncork()
    }
  }

  #receive(advance: () => boolean): void {
    if (this.#closed) return
    this.#lastProgress = this.#clock.now()
    try {
      if (advance()) this.#stream.resume()
      else this.#stream.pause()
    } catch (error) {
      this.fail(toKaitianError(error, 'INTERNAL', `The link to ${this.name} failed`))
    }
  }

  #openParser(): FrameParser {
    const limits = () => (this.peer === undefined ? STRANGER : MEMBER)
    return new FrameParser({
      get limits() {
        return limits()
      },
      header: (header, payloadBytes) => {
        const isChunk = !this.#closed && this.peer !== undefined && header.kind === 'chunk'
        return isChunk ? this.#events.chunk(this, header, payloadBytes) : 'discard'
      },
      end: (header) => this.#dispatch(header),
    })
  }

  #dispatch(header: Header): void {
    if (this.#closed) return
    if (this.peer === undefined) return this.#shake(header)
    switch (header.kind) {
      case 'chunk':
        return this.#events.chunkEnd(this, header)
      case 'abort':
        return this.#events.abort(this, header)
      case 'bye':
        return this.fail(this.#lost(`Group "${this.peer}" left the run`))
      default:
        throw refusal(`Group "${this.peer}" sent "${header.kind}" on an open link`)
    }
  }

  #shake(header: Header): void {
    const { send, peer } = this.#handshake.receive(header)
    for (const answer of send) this.#stream.write(encodeFrame(answer))
    if (peer === undefined) return
    this.peer = peer
    this.#events.opened(this)
  }

  #lost(what?: string): KaitianError {
    const group = this.name ?? 'unknown'
    if (this.peer === undefined && this.#handshake.awaitsVerdict) {
      return refusal(`Group "${group}" refused this group's proof`, { group })
    }
    const where = this.#parser.betweenFrames ? '' : ' in the middle of a frame'
    return new KaitianError(
      'LINK_LOST',
      `${what ?? `The link to group "${group}" closed${where}`}; ` +
        'go on without that group or restart it and connect again.',
      { cause: this.#cause, fields: { group } },
    )
  }
}
