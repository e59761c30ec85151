import type { Membership } from '@kaitian/comm-native'
import { isKaitianError, KaitianError, toKaitianError } from '@kaitian/errors'
import type { Bucket } from '../step/buckets.js'
import type { Arena } from './arena.js'
import type { CollectiveFailure } from './protocol.js'
import type { GivingUp } from './share.js'

/**
 * The allreduces of one attempt: each bucket is issued once it is final, last layer first, and goes
 * on beside whatever this thread computes. The first that fails aborts `signal`.
 */
export class Reduction implements GivingUp {
  readonly #membership: Membership
  readonly #arena: Arena
  readonly #buckets: readonly Bucket[]
  readonly #pending: Promise<void>[] = []
  readonly #abort = new AbortController()

  constructor(
    membership: Membership,
    arena: Arena,
    buckets: readonly Bucket[],
    asker: AbortSignal,
  ) {
    this.#membership = membership
    this.#arena = arena
    this.#buckets = buckets
    if (asker.aborted) this.#abort.abort(asker.reason)
    asker.addEventListener('abort', () => this.#abort.abort(asker.reason), { once: true })
  }

  /** Aborts when the asker gives up, or the communicator was aborted. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Asks the communicator itself: a thread that computes hears of nothing. */
  check(): void {
    const { aborted } = this.#membership
    if (aborted !== undefined) {
      this.#abort.abort(new KaitianError('COMMUNICATOR_ABORTED', aborted))
    }
    this.signal.throwIfAborted()
  }

  /** The first `final` buckets hold this device's sums. */
  issue(final: number): void {
    for (let index = this.#pending.length; index < final; index++) {
      const send = this.#arena.part(this.#buckets[index])
      // With the last one nothing is left to compute meanwhile, and a wait in place is short.
      const background = index < this.#buckets.length - 1
      const pending = this.#membership.allreduce({ send, background })
      // Awaited later, and perhaps never.
      pending.catch((error: unknown) => this.#abort.abort(error))
      this.#pending.push(pending)
    }
  }

  /** Resolves when every bucket holds the sums of all devices. */
  async done(): Promise<void> {
    await Promise.all(this.#pending)
  }

  /** Why the attempt is in vain, if not for something that this device did wrong. */
  get failure(): CollectiveFailure | undefined {
    const { aborted, reason } = this.signal
    const refused = isKaitianError(reason) && REFUSALS.includes(reason.code)
    return aborted && !refused ? failureOf(reason) : undefined
  }
}

/** The collectives never began. */
const REFUSALS: readonly string[] = ['BAD_ARGUMENT', 'UNSUPPORTED_DTYPE', 'UNSUPPORTED_OP']

/** What the others did wrong, as this device saw it. */
function failureOf(error: unknown): CollectiveFailure {
  const { message, code, fields } = toKaitianError(error, 'INTERNAL', 'The reduction failed')
  // A lost link names nobody: either end may be well.
  const names = code === 'DEADLINE_EXCEEDED' || code === 'PEER_DOWN' ? fields['missing'] : []
  return { cause: firstSentence(message), suspects: Array.isArray(names) ? names.map(String) : [] }
}

/** The rest is advice to who runs the collectives, which the cluster takes by itself. */
function firstSentence(message: string): string {
  return message.split(/\.(?:\s|$)/)[0]
}
