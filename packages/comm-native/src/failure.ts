import { KaitianError } from '@kaitian/errors'
import { differingParts, LEADER } from './signature.js'
import type { Signature } from './types.js'

/**
 * Why a communicator was aborted, as plain data: it crosses threads, and both
 * implementations produce it, so that they report with the same words.
 */
export type Failure =
  /** Somebody called abort. */
  | { readonly kind: 'aborted'; readonly cause: string }
  /** C3. Rank −1 is the leader, who issued the operation. */
  | {
      readonly kind: 'mismatch'
      readonly sequence: number
      readonly expected: Signature
      readonly differing: readonly { readonly rank: number; readonly signature: Signature }[]
    }
  /** C4: these ranks had not marked the operation when the deadline passed. */
  | {
      readonly kind: 'deadline'
      readonly sequence: number
      readonly missing: readonly number[]
      readonly deadlineMs: number
    }
  /** C4: these ranks left (or their thread ended) before they marked the operation. */
  | { readonly kind: 'left'; readonly sequence: number; readonly missing: readonly number[] }

export interface Group {
  readonly generation: number
  readonly members: readonly string[]
}

function nameOf(group: Group, rank: number): string {
  return rank === LEADER ? 'the leader' : group.members[rank]
}

function describeMismatch(group: Group, failure: Failure & { kind: 'mismatch' }): string {
  const who = failure.differing.map(({ rank, signature }) => {
    const { expected } = failure
    const detail = differingParts(expected, signature).map(
      (part) => `${part} (${signature[part]}, not ${expected[part]})`,
    )
    return `${nameOf(group, rank)} differs in ${detail.join(', ')}`
  })
  return `Operation ${failure.sequence} moved no data: ${who.join('; ')}. Give all members the same plan.`
}

/** One sentence for people, the same on the leader and on every member. */
export function describeFailure(group: Group, failure: Failure): string {
  if (failure.kind === 'aborted') return failure.cause
  if (failure.kind === 'mismatch') return describeMismatch(group, failure)
  const names = failure.missing.map((rank) => nameOf(group, rank)).join(', ')
  if (failure.kind === 'left') {
    return `${names} left before marking operation ${failure.sequence} ready. Start the next generation with the others.`
  }
  return `${names} did not mark operation ${failure.sequence} ready within ${failure.deadlineMs} ms. Look at that device, or raise the deadline.`
}

const CODES = {
  mismatch: 'SIGNATURE_MISMATCH',
  deadline: 'DEADLINE_EXCEEDED',
  left: 'PEER_DOWN',
} as const

/** The error for an operation: its own, or COMMUNICATOR_ABORTED when another one failed first. */
export function failureError(group: Group, failure: Failure, sequence: number): KaitianError {
  const cause = describeFailure(group, failure)
  const fields = { generation: group.generation, sequence, phase: 'ready', cause }
  if (failure.kind === 'aborted' || failure.sequence !== sequence) {
    return new KaitianError(
      'COMMUNICATOR_ABORTED',
      `Operation ${sequence} did not run, its communicator was aborted: ${cause} Results of this generation must not be used.`,
      { fields },
    )
  }
  if (failure.kind !== 'mismatch') {
    const missing = failure.missing.map((rank) => nameOf(group, rank))
    return new KaitianError(CODES[failure.kind], cause, {
      fields: { ...fields, missing, ranks: failure.missing },
    })
  }
  const differing = failure.differing.map(({ rank, signature }) => ({
    member: nameOf(group, rank),
    rank,
    in: differingParts(failure.expected, signature),
    signature,
  }))
  return new KaitianError(CODES.mismatch, cause, {
    fields: { ...fields, expected: failure.expected, differing },
  })
}
