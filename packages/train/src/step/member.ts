import { sameAttempt, type AttemptId } from './plan.js'

/**
 * A device's half of the step protocol as a pure state machine. It says how far
 * a step has come and what may follow; the device actor does it.
 *
 * T3  The second buffer becomes current only on a commit of the very attempt
 *     that was voted for; a stale message changes nothing.
 */
export type MemberState =
  | { readonly phase: 'outside' }
  | { readonly phase: 'ready'; readonly generation: number }
  | { readonly phase: 'computing'; readonly generation: number; readonly attempt: AttemptId }
  | { readonly phase: 'reducing'; readonly generation: number; readonly attempt: AttemptId }
  | { readonly phase: 'voted'; readonly generation: number; readonly attempt: AttemptId }

export type MemberEvent =
  | { readonly kind: 'leave' }
  | { readonly kind: 'enter'; readonly generation: number }
  | { readonly kind: 'begin'; readonly attempt: AttemptId }
  | { readonly kind: 'computed'; readonly attempt: AttemptId }
  | { readonly kind: 'reduced'; readonly attempt: AttemptId }
  | { readonly kind: 'commit'; readonly attempt: AttemptId }
  | { readonly kind: 'discard'; readonly attempt: AttemptId }

export type MemberAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'compute' }
  /** Divide, optimise into the second buffer, vote. */
  | { readonly kind: 'update' }
  | { readonly kind: 'flip' }
  | { readonly kind: 'ignore'; readonly cause: string }

export const outside: MemberState = { phase: 'outside' }

export function follow(
  state: MemberState,
  event: MemberEvent,
): { readonly state: MemberState; readonly action: MemberAction } {
  switch (event.kind) {
    case 'leave':
      return { state: outside, action: { kind: 'none' } }
    case 'enter':
      return { state: { phase: 'ready', generation: event.generation }, action: { kind: 'none' } }
    case 'begin': {
      const { attempt } = event
      if (state.phase !== 'ready' || state.generation !== attempt.generation) {
        return stale(state, attempt, 'the order')
      }
      const { generation } = state
      return { state: { phase: 'computing', generation, attempt }, action: { kind: 'compute' } }
    }
    case 'computed':
      return move(state, 'computing', event.attempt, 'reducing', 'none')
    case 'reduced':
      return move(state, 'reducing', event.attempt, 'voted', 'update')
    case 'commit':
      return move(state, 'voted', event.attempt, 'ready', 'flip')
    case 'discard':
      return move(state, 'voted', event.attempt, 'ready', 'none')
  }
}

function move(
  state: MemberState,
  from: 'computing' | 'reducing' | 'voted',
  attempt: AttemptId,
  to: 'reducing' | 'voted' | 'ready',
  action: 'none' | 'update' | 'flip',
): { state: MemberState; action: MemberAction } {
  if (state.phase !== from || !sameAttempt(attempt, state.attempt)) return stale(state, attempt, to)
  const { generation } = state
  const next: MemberState =
    to === 'ready' ? { phase: 'ready', generation } : { ...state, phase: to }
  return { state: next, action: { kind: action } }
}

function stale(
  state: MemberState,
  { generation, epoch, step }: AttemptId,
  what: string,
): { state: MemberState; action: MemberAction } {
  return {
    state,
    action: {
      kind: 'ignore',
      cause: `${what} of step ${epoch}/${step}, generation ${generation}, while ${state.phase}`,
    },
  }
}
