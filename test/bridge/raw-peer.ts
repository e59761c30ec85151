import { connect, type Socket } from 'node:net'
import {
  encodeFrame,
  FrameReader,
  Handshake,
  type Address,
  type HandshakeFrame,
  type HandshakeOptions,
  type ProvedPeer,
} from '@kaitian/train/bridge'
import { randomBytes } from 'node:crypto'
import { SECRET, until } from './support.js'

/** A peer whose every byte the test decides. */
export class RawPeer {
  readonly socket: Socket
  /** The writes so far, to be played again. */
  readonly written: Buffer[] = []
  readonly frames: HandshakeFrame[] = []
  /** Bytes that have come, in all. */
  heard = 0
  closed = false
  readonly #reader = new FrameReader()
  #open = false

  constructor({ host, port }: Address) {
    this.socket = connect({ host, port })
    this.socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    this.socket.on('error', () => {})
    this.socket.on('close', () => (this.closed = true))
  }

  send(bytes: Uint8Array): void {
    this.written.push(Buffer.from(bytes))
    this.socket.write(bytes)
  }

  /** Opens the link as the last group of two, with the real handshake. `behind` leaves with its proof. */
  async authenticate(
    change: Partial<HandshakeOptions> = {},
    behind: Uint8Array = new Uint8Array(0),
  ): Promise<ProvedPeer | undefined> {
    const handshake = new Handshake({
      role: 'dialler',
      group: 'b',
      peers: ['a'],
      generation: 0,
      received: () => 0,
      secret: SECRET,
      nonce: () => randomBytes(32),
      ...change,
    })
    for (const frame of handshake.start().send) this.send(encodeFrame(frame))
    for (let step = 0; step < 2; step++) {
      await until('the answer', () => this.frames.length > step || this.closed)
      if (this.frames.length <= step) return undefined
      const { send, peer } = handshake.receive(this.frames[step])
      for (const frame of send) this.send(Buffer.concat([encodeFrame(frame), behind]))
      if (peer !== undefined) return peer
    }
    return undefined
  }

  /** Resolves when the other end has closed the connection. */
  async close(): Promise<void> {
    // Not `once` of node:events, which also ends at a reset.
    if (!this.closed) await new Promise((resolve) => this.socket.once('close', resolve))
  }

  #receive(bytes: Buffer): void {
    this.heard += bytes.byteLength
    if (this.#open) return
    this.#reader.push(bytes)
    while (!this.#open) {
      const frame = this.#reader.next()
      if (frame === undefined) return
      this.frames.push(frame)
      // What follows is the trunk's, and no frame of a handshake.
      this.#open = frame.kind === 'proof'
    }
  }
}
