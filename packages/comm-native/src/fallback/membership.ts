import { KaitianError } from '@kaitian/errors'
import { checkSignature } from '../checks.js'
import { describeFailure } from '../failure.js'
import { buildAdvice } from '../load-error.js'
import { alreadyJoined, tooFarAhead } from '../membership-errors.js'
import { Member } from '../member.js'
import type { CommunicatorTicket, Signature } from '../types.js'
import { Control } from './control.js'

export class TypeScriptMembership extends Member {
  readonly #control: Control
  #joined = true

  constructor(ticket: CommunicatorTicket, rank: number) {
    super(ticket, rank)
    this.#control = controlOf(ticket)
    if (!this.#control.join(rank)) throw alreadyJoined(ticket, rank)
  }

  ready(signature: Signature): void {
    checkSignature(signature)
    // Late calls after an abort or after leaving are harmless, and common.
    if (!this.#joined || this.#control.aborted) return
    if (!this.#control.mark(this.rank, signature)) throw tooFarAhead(this.ticket, this.rank)
  }

  protected call(): never {
    throw callsNeedNative()
  }

  protected pass(): never {
    throw callsNeedNative()
  }

  get aborted(): string | undefined {
    const { failure } = this.#control
    return failure && describeFailure(this.ticket, failure)
  }

  leave(): void {
    if (!this.#joined) return
    this.#joined = false
    this.#control.leave(this.rank)
  }
}

/** The control words hold signatures, not the members' memory, which only messages could carry. */
function callsNeedNative(): KaitianError {
  return new KaitianError(
    'UNSUPPORTED_OP',
    `Members' own calls need the native core; the TypeScript fallback reduces buckets alone. ${buildAdvice()}.`,
  )
}

export function controlOf(ticket: CommunicatorTicket): Control {
  if (ticket.control === undefined) {
    throw new KaitianError(
      'BAD_ARGUMENT',
      `This ticket is of the ${ticket.implementation} implementation; load the same backend in every thread.`,
    )
  }
  return new Control(ticket.members.length, ticket.control)
}
