import { KaitianError } from '@kaitian/errors'
import { checkRank, checkSignature } from '../checks.js'
import { describeFailure } from '../failure.js'
import { alreadyJoined, tooFarAhead } from '../membership-errors.js'
import type { CommunicatorTicket, Membership, Signature } from '../types.js'
import { Control } from './control.js'

export class TypeScriptMembership implements Membership {
  readonly #ticket: CommunicatorTicket
  readonly #rank: number
  readonly #control: Control
  #joined = true

  constructor(ticket: CommunicatorTicket, rank: number) {
    checkRank(ticket.members, rank)
    this.#ticket = ticket
    this.#rank = rank
    this.#control = controlOf(ticket)
    if (!this.#control.join(rank)) throw alreadyJoined(ticket, rank)
  }

  ready(signature: Signature): void {
    checkSignature(signature)
    // Late calls after an abort or after leaving are harmless, and common.
    if (!this.#joined || this.#control.aborted) return
    if (!this.#control.mark(this.#rank, signature)) throw tooFarAhead(this.#ticket, this.#rank)
  }

  get aborted(): string | undefined {
    const { failure } = this.#control
    return failure && describeFailure(this.#ticket, failure)
  }

  leave(): void {
    if (!this.#joined) return
    this.#joined = false
    this.#control.leave(this.#rank)
  }
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
