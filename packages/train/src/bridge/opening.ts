import type { Socket } from 'node:net'
import type { Clock } from '@kaitian/actors'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import { encodeFrame, FrameReader, type HandshakeFrame } from './frame.js'
import { refusal, type Handshake, type ProvedPeer } from './handshake.js'
import { slow } from './slow.js'

export interface OpeningOptions {
  readonly socket: Socket
  readonly handshake: Handshake
  readonly clock: Pick<Clock, 'after'>
  readonly deadlineMs: number
}

export interface OpeningEvents {
  /** The peer has proved who it is. `early`: what was read behind its proof. */
  opened(opening: Opening, peer: ProvedPeer, socket: Socket, early: Uint8Array): void
  /** AUTH_FAILED, FRAME_INVALID, LINK_LOST or DEADLINE_EXCEEDED; the socket is destroyed. */
  failed(opening: Opening, error: KaitianError): void
}

/**
 * One connection until its handshake is through. B1: nothing but the handshake's frames is acted
 * on, and it ends at its deadline whatever the other end does. It ends with one event, or with none
 * when it is disposed of.
 */
export class Opening {
  readonly #options: OpeningOptions
  readonly #events: OpeningEvents
  readonly #reader = new FrameReader()
  readonly #gone: Promise<void>
  readonly #cancel: () => void
  #over = false
  #cause: Error | undefined

  constructor(options: OpeningOptions, events: OpeningEvents) {
    const { socket, handshake, clock, deadlineMs } = options
    this.#options = options
    this.#events = events
    socket.on('data', (bytes: Uint8Array) => this.#receive(bytes))
    socket.on('error', (error) => (this.#cause ??= error))
    this.#gone = new Promise((resolve) => {
      socket.once('close', () => {
        this.#fail(this.#lost())
        resolve()
      })
    })
    this.#cancel = clock.after(deadlineMs, () => this.#fail(slow(this.claimed, deadlineMs)))
    for (const frame of handshake.start().send) socket.write(encodeFrame(frame))
  }

  /** The group at the other end, or the one it claims to be. */
  get claimed(): string | undefined {
    return this.#options.handshake.claimed
  }

  /** Without an event. */
  async dispose(): Promise<void> {
    this.#end()
    this.#options.socket.destroy()
    await this.#gone
  }

  #receive(bytes: Uint8Array): void {
    if (this.#over) return
    try {
      this.#reader.push(bytes)
      for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
        if (this.#proved(frame)) return
      }
    } catch (error) {
      this.#fail(toKaitianError(error, 'INTERNAL', `The handshake with ${this.claimed} failed`))
    }
  }

  /** Whether that was the last frame; what is behind it is the trunk's. */
  #proved(frame: HandshakeFrame): boolean {
    const { socket, handshake } = this.#options
    const { send, peer } = handshake.receive(frame)
    if (peer === undefined) {
      for (const answer of send) socket.write(encodeFrame(answer))
      return false
    }
    socket.pause()
    const [proof] = send
    // The trunk writes to the descriptor itself, so our proof has to have left by then.
    if (proof === undefined) this.#open(peer)
    else socket.write(encodeFrame(proof), (error) => (error ? undefined : this.#open(peer)))
    return true
  }

  #open(peer: ProvedPeer): void {
    if (this.#end()) this.#events.opened(this, peer, this.#options.socket, this.#reader.rest)
  }

  #fail(error: KaitianError): void {
    if (!this.#end()) return
    this.#options.socket.destroy()
    this.#events.failed(this, error)
  }

  /** Whether this was the first end. */
  #end(): boolean {
    const first = !this.#over
    this.#over = true
    this.#cancel()
    return first
  }

  #lost(): KaitianError {
    const group = this.claimed ?? 'unknown'
    if (this.#options.handshake.awaitsVerdict) {
      return refusal(`Group "${group}" refused this group's proof`, { group })
    }
    const middle = this.#reader.rest.byteLength > 0 ? ' in the middle of a frame' : ''
    const detail = this.#cause === undefined ? '' : ` (${this.#cause.message})`
    return new KaitianError(
      'LINK_LOST',
      `The connection with group "${group}" closed${middle} before the handshake was through${detail}; ` +
        'check that the group runs, and that its address and the list of groups are right.',
      { cause: this.#cause, fields: { group } },
    )
  }
}
