import { KaitianError, toKaitianError } from '@kaitian/errors'
import type { Call } from '../calls.js'
import { checkSignature } from '../checks.js'
import { COLLECTIVES } from '../collective.js'
import { DTYPES, ELEMENT_BYTES } from '../dtype.js'
import { callError, describeFailure } from '../failure.js'
import { Member } from '../member.js'
import { alreadyJoined, CALLS_AHEAD, hasLeft, tooFarAhead } from '../membership-errors.js'
import {
  DONE,
  PENDING,
  TOO_FAR,
  type NativeAddon,
  type NativeMembership,
  type NativeOutcome,
} from '../native.js'
import { OPS } from '../op.js'
import type { CommunicatorTicket, Signature } from '../types.js'
import type { Completions } from './completions.js'
import { idOf, spread } from './ticket.js'

/**
 * Above this a call does not keep the member's thread: it would for a
 * millisecond and more, and the price of a completion, some 50 µs, is lost in it.
 */
const INLINE_BYTES = 16 * 1024 * 1024

/** A rank's end: the core's membership with promises and checked arguments. */
export class NativeBackedMembership extends Member {
  readonly #handle: NativeMembership
  readonly #completions: Completions
  #left = false

  constructor(
    addon: NativeAddon,
    completions: Completions,
    ticket: CommunicatorTicket,
    rank: number,
  ) {
    super(ticket, rank)
    this.#completions = completions
    this.#handle = new addon.Membership()
    const outcome = this.#handle.join(idOf(ticket), rank)
    if (outcome === 'taken') throw alreadyJoined(ticket, rank)
    if (outcome === 'gone') throw gone(ticket)
  }

  ready(signature: Signature): void {
    checkSignature(signature)
    const outcome = this.#handle.ready(...spread(signature))
    if (outcome === TOO_FAR) throw tooFarAhead(this.ticket, this.rank)
  }

  get aborted(): string | undefined {
    const failure = this.#handle.failure()
    return failure && describeFailure(this.ticket, failure)
  }

  leave(): void {
    this.#left = true
    this.#handle.leave()
  }

  protected call(call: Call): Promise<void> | undefined {
    if (this.#left) throw hasLeft(this.ticket, this.rank)
    const { count, root, send, recv } = call
    const token = this.#completions.token()
    let outcome: NativeOutcome
    try {
      // Not spread: that costs as much as the rest of the call.
      outcome =
        call.background === true || bytesOf(call) > INLINE_BYTES
          ? this.#handle.callElsewhere(token, codeOf(call), count, root, send, recv)
          : this.#handle.call(token, codeOf(call), count, root, send, recv)
    } catch (error) {
      throw unusable(error)
    }
    return outcome === DONE ? undefined : this.#settle(outcome, token)
  }

  protected pass(peer: number, call: Call): Promise<void> | undefined {
    if (this.#left) throw hasLeft(this.ticket, this.rank)
    const token = this.#completions.token()
    const { count, send, recv } = call
    let outcome: NativeOutcome
    try {
      outcome = this.#handle.pass(token, codeOf(call), count, peer, send, recv)
    } catch (error) {
      throw unusable(error)
    }
    return outcome === DONE ? undefined : this.#settle(outcome, token)
  }

  async #settle(outcome: NativeOutcome, token: number): Promise<void> {
    if (outcome === TOO_FAR) throw tooFarAhead(this.ticket, this.rank, CALLS_AHEAD)
    const pending = outcome === PENDING
    const failure = pending ? await this.#completions.of(token) : this.#handle.failure()
    if (failure !== undefined) throw callError(this.ticket, failure)
  }
}

function codeOf({ collective, op, dtype }: Call): number {
  return (COLLECTIVES.indexOf(collective) << 8) | (OPS.indexOf(op) << 4) | DTYPES.indexOf(dtype)
}

function bytesOf({ send, recv, dtype, count }: Call): number {
  return Math.max(send?.byteLength ?? 0, recv?.byteLength ?? 0, count * ELEMENT_BYTES[dtype])
}

/** Only the native side sees of what kind memory is, before anything has begun. */
function unusable(error: unknown): KaitianError {
  return toKaitianError(error, 'BAD_ARGUMENT', 'The memory cannot be pinned')
}

function gone(ticket: CommunicatorTicket): KaitianError {
  return new KaitianError(
    'COMMUNICATOR_ABORTED',
    `The communicator of generation ${ticket.generation} is gone; join the next generation's.`,
    { fields: { generation: ticket.generation, cause: 'disposed' } },
  )
}
