import { KaitianError } from '@kaitian/errors'
import { checkRank, checkSignature } from '../checks.js'
import { alreadyJoined, tooFarAhead } from '../membership-errors.js'
import { describeFailure } from '../failure.js'
import type { NativeAddon, NativeMembership } from '../native.js'
import type { CommunicatorTicket, Membership, Signature } from '../types.js'
import { idOf, spread } from './ticket.js'

export class NativeBackedMembership implements Membership {
  readonly #ticket: CommunicatorTicket
  readonly #rank: number
  readonly #handle: NativeMembership

  constructor(addon: NativeAddon, ticket: CommunicatorTicket, rank: number) {
    checkRank(ticket.members, rank)
    this.#ticket = ticket
    this.#rank = rank
    this.#handle = new addon.Membership()
    const outcome = this.#handle.join(idOf(ticket), rank)
    if (outcome === 'taken') throw alreadyJoined(ticket, rank)
    if (outcome === 'gone') throw gone(ticket)
  }

  ready(signature: Signature): void {
    checkSignature(signature)
    if (!this.#handle.ready(...spread(signature))) throw tooFarAhead(this.#ticket, this.#rank)
  }

  get aborted(): string | undefined {
    const failure = this.#handle.failure()
    return failure && describeFailure(this.#ticket, failure)
  }

  leave(): void {
    this.#handle.leave()
  }
}

function gone(ticket: CommunicatorTicket): KaitianError {
  return new KaitianError(
    'COMMUNICATOR_ABORTED',
    `The communicator of generation ${ticket.generation} is gone; join the next generation's.`,
    { fields: { generation: ticket.generation, cause: 'disposed' } },
  )
}
