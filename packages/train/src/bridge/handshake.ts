import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { KaitianError } from '@kaitian/errors'
import { packFlat } from './flat-array.js'
import { NONCE_BYTES, type Challenge, type HandshakeFrame, type Hello } from './frame.js'

/**
 * Mutual challenge and response over the run's secret; a pure state machine, frame in, frames or
 * verdict out. docs/wire-format.md says which frames, and what each part is for.
 */

/** Draws a fresh nonce of 32 unpredictable bytes. */
export type NonceSource = () => Uint8Array

export const randomNonce: NonceSource = () => randomBytes(NONCE_BYTES)

export interface HandshakeOptions {
  readonly role: 'dialler' | 'listener'
  readonly group: string
  /** The group that was dialled, or for a listener those that may dial it. */
  readonly peers: readonly string[]
  /** Why a group that may dial is not let in just now, in words that follow its name. */
  readonly barred?: (peer: string) => string | undefined
  /** This end's current generation, 0 before the first. */
  readonly generation: number
  /** Frames that this end has received on the link with that group. */
  readonly received: (peer: string) => number
  readonly secret: string
  readonly nonce: NonceSource
}

/** Who is at the other end, proved, and what it said of itself. */
export interface ProvedPeer {
  readonly group: string
  readonly generation: number
  readonly received: number
}

/** What to do after a frame: send these, and once `peer` is set, trust the connection. */
export interface HandshakeStep {
  readonly send: readonly HandshakeFrame[]
  readonly peer?: ProvedPeer
}

type Phase = 'hello' | 'challenge' | 'proof' | 'done' | 'failed'

export class Handshake {
  readonly #options: HandshakeOptions
  readonly #nonce: Uint8Array
  #hello: Hello | undefined
  #challenge: Challenge | undefined
  #phase: Phase

  constructor(options: HandshakeOptions) {
    this.#options = options
    this.#nonce = Uint8Array.from(options.nonce())
    this.#phase = options.role === 'dialler' ? 'challenge' : 'hello'
  }

  /** The other end, as far as known: what a dialler dialled, what a stranger claims to be. */
  get claimed(): string | undefined {
    return this.#options.role === 'dialler' ? this.#options.peers[0] : this.#hello?.from
  }

  /** This end's proof is out and the other end's is not in: closing now means a refusal. */
  get awaitsVerdict(): boolean {
    return this.#options.role === 'dialler' && this.#phase === 'proof'
  }

  /** A dialler's first words; a listener's silence. */
  start(): HandshakeStep {
    const { role, group, peers, generation, received } = this.#options
    if (role === 'listener') return { send: [] }
    const [to] = peers
    this.#hello = {
      kind: 'hello',
      from: group,
      to,
      generation,
      nonce: this.#nonce,
      received: received(to),
    }
    return { send: [this.#hello] }
  }

  /** @throws AUTH_FAILED; the connection must then be closed and nothing more sent. */
  receive(frame: HandshakeFrame): HandshakeStep {
    const due = this.#phase
    this.#phase = 'failed'
    if (frame.kind === 'hello' && due === 'hello') return this.#onHello(frame)
    if (frame.kind === 'challenge' && due === 'challenge') return this.#onChallenge(frame)
    if (frame.kind === 'proof' && due === 'proof') return this.#onProof(frame.mac)
    throw refusal(`${this.#other()} sent "${frame.kind}" where "${due}" was due`)
  }

  #onHello(hello: Hello): HandshakeStep {
    const { group, peers, barred, generation, received } = this.#options
    if (hello.to !== group) {
      throw refusal(`"${hello.from}" wanted group "${hello.to}" but reached "${group}"`)
    }
    if (!peers.includes(hello.from)) {
      throw refusal(`A link from "${hello.from}", which may not dial group "${group}"`)
    }
    const why = barred?.(hello.from)
    if (why !== undefined) throw new KaitianError('LINK_LOST', `Group "${hello.from}" ${why}`)
    this.#hello = hello
    this.#challenge = {
      kind: 'challenge',
      from: group,
      generation,
      nonce: this.#nonce,
      received: received(hello.from),
    }
    this.#phase = 'proof'
    return { send: [this.#challenge] }
  }

  #onChallenge(challenge: Challenge): HandshakeStep {
    if (challenge.from !== this.#hello?.to) {
      throw refusal(`Group "${challenge.from}" answered for ${this.#other()}`)
    }
    this.#challenge = challenge
    this.#phase = 'proof'
    return { send: [{ kind: 'proof', mac: this.#mac('dialler') }] }
  }

  #onProof(mac: Uint8Array): HandshakeStep {
    const dials = this.#options.role === 'dialler'
    if (!timingSafeEqual(mac, this.#mac(dials ? 'listener' : 'dialler'))) {
      throw refusal(`${this.#other()} does not hold the same secret`)
    }
    this.#phase = 'done'
    const { from: group, generation, received } = dials ? this.#challenge! : this.#hello!
    const peer = { group, generation, received }
    return dials
      ? { send: [], peer }
      : { send: [{ kind: 'proof', mac: this.#mac('listener') }], peer }
  }

  #mac(role: 'dialler' | 'listener'): Buffer {
    const [hello, challenge] = [this.#hello!, this.#challenge!]
    const transcript = packFlat([
      'kaitian bridge 2',
      role,
      hello.from,
      hello.to,
      hello.generation,
      hello.nonce,
      hello.received,
      challenge.from,
      challenge.generation,
      challenge.nonce,
      challenge.received,
    ])
    return createHmac('sha256', this.#options.secret).update(transcript).digest()
  }

  #other(): string {
    return this.claimed === undefined ? 'A stranger' : `Group "${this.claimed}"`
  }
}

export function refusal(what: string, fields: Record<string, unknown> = {}): KaitianError {
  return new KaitianError(
    'AUTH_FAILED',
    `${what}. Give all groups of the run the same secret and list of groups.`,
    { fields },
  )
}
