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

export function tooFarAhead(ticket: CommunicatorTicket, rank: number): KaitianError {
  const member = ticket.members[rank]
  return new KaitianError(
    'BAD_ARGUMENT',
    `${member} is ${OPERATIONS_AHEAD} operations ahead; wait for results before marking more.`,
    { fields: { member, rank, limit: OPERATIONS_AHEAD } },
  )
}
