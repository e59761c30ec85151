import { KaitianError } from '@kaitian/errors'
import { DTYPES } from '../dtype.js'
import { OPS } from '../op.js'
import type { NativeSignature } from '../native.js'
import type { CommunicatorTicket, Signature } from '../types.js'

export function idOf(ticket: CommunicatorTicket): number {
  if (ticket.implementation === 'native') return ticket.id
  throw new KaitianError(
    'BAD_ARGUMENT',
    `This ticket is of the ${ticket.implementation} implementation; load the same backend in every thread.`,
  )
}

export function spread(signature: Signature): NativeSignature {
  const { op, dtype, sequence, count, offset, generation } = signature
  return [OPS.indexOf(op), DTYPES.indexOf(dtype), sequence, count, offset, generation]
}
