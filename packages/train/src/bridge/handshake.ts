import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { KaitianError } from '@kaitian/errors'
import { NONCE_BYTES, type Challenge, type Header, type Hello } from './frame.js'

/**
 * Mutual challenge and response over the cluster's secret; a pure state
 * machine, frame in, frames or verdict out.
 *
 *   dialler  → hello { from, to, generation, nonce }
 *   listener → challenge { from, generation, nonce }
 *   dialler  → proof  HMAC-SHA256(secret, 'dialler' + all of the above)
 *   listener → proof  HMAC-SHA256(secret, 'listener' + all of the above)
 *
 * Each MAC covers a nonce that its receiver has just drawn, so nothing recorded
 * can be replayed; it covers its sender's role, so it cannot be reflected; and
 * names and generations, so they cannot be altered. The dialler proves first: a
 * stranger who knocks learns nothing to guess the secret from.
 *
 * It says who is at the other end when the link opens. It does not encrypt or
 * sign what follows; on a network that others can write to, use a tunnel.
 */

/** Draws a fresh nonce of 32 unpredictable bytes. */
export type NonceSource = () => Uint8Array

export const randomNonce: NonceSource = () => randomBytes(NONCE_BYTES)

export interface HandshakeOptions {
  readonly role: 'dialler' | 'listener'
  readonly group: string
  /** The group that was dialled, or for a listener those that may dial it. */
  readonly peers: readonly string[]
  /** This end's current generation, 0 before the first. */
  readonly generation: number
  readonly secret: string
  readonly nonce?: NonceSource
}

/** What to do after a frame: send these, and once `peer` is set, trust the link. */
export interface HandshakeStep {
  readonly send: readonly Header[]
  readonly peer?: string
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
    this.#nonce = Uint8Array.from((options.nonce ?? randomNonce)())
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
    const { role, group, peers, generation } = this.#options
    if (role === 'listener') return { send: [] }
    const hello: Hello = {
      kind: 'hello',
      from: group,
      to: peers[0],
      generation,
      nonce: this.#nonce,
    }
    this.#hello = hello
    return { send: [hello] }
  }

  /** @throws AUTH_FAILED; the link must then be closed and nothing more sent. */
  receive(header: Header): HandshakeStep {
    const due = this.#phase
    this.#phase = 'failed'
    if (header.kind === 'hello' && due === 'hello') return this.#onHello(header)
    if (header.kind === 'challenge' && due === 'challenge') return this.#onChallenge(header)
    if (header.kind === 'proof' && due === 'proof') return this.#onProof(header.mac)
    throw refusal(`${this.#other()} sent "${header.kind}" where "${due}" was due`)
  }

  #onHello(hello: Hello): HandshakeStep {
    const { group, peers, generation } = this.#options
    if (hello.to !== group) {
      throw refusal(`"${hello.from}" wanted group "${hello.to}" but reached "${group}"`)
    }
    if (!peers.includes(hello.from)) {
      throw refusal(`A link from "${hello.from}", which may not dial group "${group}"`)
    }
    this.#hello = hello
    const challenge: Challenge = { kind: 'challenge', from: group, generation, nonce: this.#nonce }
    this.#challenge = challenge
    this.#phase = 'proof'
    return { send: [challenge] }
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
    const { role } = this.#options
    if (!timingSafeEqual(mac, this.#mac(role === 'dialler' ? 'listener' : 'dialler'))) {
      throw refusal(`${this.#other()} does not hold the same secret`)
    }
    this.#phase = 'done'
    const peer = role === 'dialler' ? this.#hello!.to : this.#hello!.from
    return role === 'dialler'
      ? { send: [], peer }
      : { send: [{ kind: 'proof', mac: this.#mac('listener') }], peer }
  }

  #mac(role: 'dialler' | 'listener'): Buffer {
    const [hello, challenge] = [this.#hello!, this.#challenge!]
    const mac = createHmac('sha256', this.#options.secret)
    // JSON delimits its strings, so no two transcripts read the same
    const names = [role, hello.from, hello.to, hello.generation, challenge.generation]
    mac.update(JSON.stringify(['kaitian bridge 1', ...names]))
    return mac.update(hello.nonce).update(challenge.nonce).digest()
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
