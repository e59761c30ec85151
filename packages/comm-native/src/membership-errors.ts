import { KaitianError } from '@kaitian/errors'
import { OPERATIONS_AHEAD } from './checks.js'
import type { CommunicatorTicket } from './types.js'

export function alreadyJoined(ticket: CommunicatorTicket, rank: number): KaitianError {
  const member = ticket.members[rank]
  return new KaitianError(
    'BAD_ARGUMENT',
    `${member} has already joined this communicator; a rank joins a generation once.`,
    { fields: { member, rank, generation: ticket.generation } },
  )
}

export function hasLeft(ticket: CommunicatorTicket, rank: number): KaitianError {
  const member = ticket.members[rank]
  return new KaitianError(
    'BAD_ARGUMENT',
    `${member} has left this communicator; join the next generation's.`,
    { fields: { member, rank, generation: ticket.generation } },
  )
}

/** A member may have so many calls, or messages to one other, under way. */
export const CALLS_AHEAD = 32

export function tooFarAhead(
  ticket: CommunicatorTicket,
  rank: number,
  limit = OPERATIONS_AHEAD,
): KaitianError {
  const member = ticket.members[rank]
  return new KaitianError(
    'BAD_ARGUMENT',
    `${member} is ${limit} operations ahead; wait for results before going on.`,
    { fields: { member, rank, limit } },
  )
}

export function tooManyIssued(): KaitianError {
  return new KaitianError(
    'BAD_ARGUMENT',
    `${OPERATIONS_AHEAD} buckets are issued and not through; wait for results before issuing more.`,
    { fields: { limit: OPERATIONS_AHEAD } },
  )
}
