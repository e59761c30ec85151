import { KaitianError } from '@kaitian/errors'
import { differingParts, LEADER, type Signature } from './signature.js'

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
      readonly operation: Operation
      readonly sequence: number
      readonly expected: Signature
      readonly differing: readonly { readonly rank: number; readonly signature: Signature }[]
    }
  /** C4: these ranks had not marked the operation when the deadline passed. */
  | {
      readonly kind: 'deadline'
      readonly operation: Operation
      readonly sequence: number
      readonly missing: readonly number[]
      readonly deadlineMs: number
      readonly phase: Phase
    }
  /** C4: these ranks left (or their thread ended) before they marked the operation. */
  | {
      readonly kind: 'left'
      readonly operation: Operation
      readonly sequence: number
      readonly missing: readonly number[]
    }
  /** C4: nothing goes to or comes from a group any more. */
  | {
      readonly kind: 'lost'
      readonly group: number
      readonly reason: 'closed' | 'silent' | 'malformed' | 'corrupt'
      readonly detail: string
    }

/** What was under way; each kind is numbered from 0, messages for each pair of ranks. */
export type Operation = 'bucket' | 'call' | 'message'

/** How far an operation had come, in the order of the native core's enumeration. */
export type Phase = 'arrive' | 'compare' | 'reduce' | 'bridge'

export interface Group {
  readonly generation: number
  readonly members: readonly string[]
}

function nameOf(group: Group, rank: number): string {
  // Another group's failure may name ranks of other members than it should have.
  if (rank >= 0) return group.members[rank] ?? `rank ${rank}`
  // Leaders of the groups count down from −1.
  return rank === LEADER ? 'the leader' : `the leader of group ${LEADER - rank}`
}

function describeMismatch(group: Group, failure: Failure & { kind: 'mismatch' }): string {
  const who = failure.differing.map(({ rank, signature }) => {
    const { expected } = failure
    const detail = differingParts(expected, signature).map(
      (part) => `${part} (${signature[part]}, not ${expected[part]})`,
    )
    return `${nameOf(group, rank)} differs in ${detail.join(', ')}`
  })
  const { operation, sequence } = failure
  return `${capitalised(operation)} ${sequence} moved no data: ${who.join('; ')}. Give all members the same plan.`
}

function capitalised(word: string): string {
  return word[0].toUpperCase() + word.slice(1)
}

const REASONS = {
  closed: 'was closed',
  silent: 'fell silent',
  malformed: 'carried what is no frame of this version',
  corrupt: 'carried a damaged chunk',
} as const

const DOING: Readonly<Record<Phase, string>> = {
  arrive: 'take part in',
  compare: 'announce',
  reduce: 'finish their share of',
  bridge: 'exchange their part of',
}

/** One sentence for people, the same on the leader and on every member. */
export function describeFailure(group: Group, failure: Failure): string {
  switch (failure.kind) {
    case 'aborted':
      return failure.cause
    case 'mismatch':
      return describeMismatch(group, failure)
    case 'left':
      return `${namesOf(group, failure)} left before taking part in ${failure.operation} ${failure.sequence}. Start the next generation with the others.`
    case 'deadline': {
      const { operation, sequence, phase, deadlineMs } = failure
      return `${namesOf(group, failure)} did not ${DOING[phase]} ${operation} ${sequence} within ${deadlineMs} ms. Look at that device, or raise the deadline.`
    }
    case 'lost':
      return `The link to group ${failure.group} ${REASONS[failure.reason]} (${failure.detail}). Go on without that group, or connect again and start a new generation.`
  }
}

function namesOf(group: Group, { missing }: { readonly missing: readonly number[] }): string {
  return missing.map((rank) => nameOf(group, rank)).join(', ') || 'A thread'
}

const CODES = {
  mismatch: 'SIGNATURE_MISMATCH',
  deadline: 'DEADLINE_EXCEEDED',
  left: 'PEER_DOWN',
  lost: 'LINK_LOST',
} as const

/** The error for a call that was under way: whatever ended its communicator ended it. */
export function callError(group: Group, failure: Failure): KaitianError {
  if (failure.kind !== 'aborted') return ownError(group, failure)
  const cause = failure.cause
  return new KaitianError(
    'COMMUNICATOR_ABORTED',
    `The call was not carried out, its communicator was aborted: ${cause} Results of this generation must not be used.`,
    { fields: { generation: group.generation, cause } },
  )
}

/** The error for a bucket: its own, or COMMUNICATOR_ABORTED when another one failed first. */
export function failureError(group: Group, failure: Failure, sequence: number): KaitianError {
  const own =
    'operation' in failure && failure.operation === 'bucket' && failure.sequence === sequence
  if (own || failure.kind === 'lost') return ownError(group, failure, sequence)
  const cause = describeFailure(group, failure)
  return new KaitianError(
    'COMMUNICATOR_ABORTED',
    `Bucket ${sequence} was not summed, its communicator was aborted: ${cause} Results of this generation must not be used.`,
    { fields: { generation: group.generation, sequence, cause } },
  )
}

function ownError(
  group: Group,
  failure: Exclude<Failure, { kind: 'aborted' }>,
  sequence?: number,
): KaitianError {
  const sentence = describeFailure(group, failure)
  const fields = { generation: group.generation, sequence, ...detailsOf(group, failure) }
  return new KaitianError(CODES[failure.kind], sentence, { fields: { ...fields, cause: sentence } })
}

function detailsOf(
  group: Group,
  failure: Exclude<Failure, { kind: 'aborted' }>,
): Record<string, unknown> {
  if (failure.kind === 'lost') {
    const { group: lost, reason } = failure
    return { phase: 'bridge', group: lost, reason }
  }
  const { operation, sequence } = failure
  if (failure.kind !== 'mismatch') {
    const phase = failure.kind === 'deadline' ? failure.phase : 'arrive'
    const missing = failure.missing.map((rank) => nameOf(group, rank))
    return { operation, sequence, phase, missing, ranks: failure.missing }
  }
  const differing = failure.differing.map(({ rank, signature }) => ({
    member: nameOf(group, rank),
    rank,
    in: differingParts(failure.expected, signature),
    signature,
  }))
  return { operation, sequence, phase: 'compare', expected: failure.expected, differing }
}
