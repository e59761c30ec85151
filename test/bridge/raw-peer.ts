import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import {
  encodeFrame,
  FrameParser,
  Handshake,
  MAX_HEADER_BYTES,
  MAX_PAYLOAD_BYTES,
  type Address,
  type Header,
} from '@kaitian/train/bridge'
import { SECRET, until } from './cluster.js'

/** A peer whose every byte the test decides. */
export class RawPeer {
  readonly socket: Socket
  /** The small writes so far, to be played again. */
  readonly written: Buffer[] = []
  readonly frames: Header[] = []
  /** One for each frame. */
  readonly payloads: Uint8Array[] = []
  closed = false
  readonly #parser: FrameParser

  constructor({ host, port }: Address) {
    this.socket = connect({ host, port })
    this.#parser = new FrameParser({
      limits: { headerBytes: MAX_HEADER_BYTES, payloadBytes: MAX_PAYLOAD_BYTES },
      header: (_, payloadBytes) => {
        this.payloads.push(new Uint8Array(payloadBytes))
        return this.payloads.at(-1)!
      },
      end: (header) => void this.frames.push(header),
    })
    this.socket.on('data', (bytes: Buffer) => this.#parser.push(bytes))
    this.socket.on('error', () => {})
    this.socket.on('close', () => (this.closed = true))
  }

  send(bytes: Uint8Array): void {
    if (bytes.byteLength < 1024) this.written.push(Buffer.from(bytes))
    this.socket.write(bytes)
  }

  frame(header: Header, payload: Uint8Array = new Uint8Array(0)): void {
    this.send(encodeFrame(header, payload.byteLength))
    if (payload.byteLength > 0) this.send(payload)
  }

  /** Payloads of the chunks that have come. */
  chunks(): Uint8Array[] {
    return this.payloads.filter((_, index) => this.frames[index]?.kind === 'chunk')
  }

  /** Opens the link as the last group of two, with the real handshake. */
  async authenticate(secret = SECRET): Promise<void> {
    const handshake = new Handshake({
      role: 'dialler',
      group: 'b',
      peers: ['a'],
      generation: 0,
      secret,
    })
    for (const header of handshake.start().send) this.frame(header)
    for (let step = 0; step < 2; step++) {
      await until('the answer', () => this.frames.length > step || this.closed)
      if (this.closed) return
      for (const header of handshake.receive(this.frames[step]).send) this.frame(header)
    }
  }

  /** Resolves when the other end has closed the link. */
  async close(): Promise<void> {
    if (!this.closed) await once(this.socket, 'close')
  }
}
