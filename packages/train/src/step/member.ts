import { sameAttempt, type AttemptId, type Plan } from './plan.js'

/**
 * A device's half of the step protocol as a pure state machine. It says what
 * may be done with a message; the device actor does it.
 *
 * T3  The second buffer becomes current only on a commit of the very attempt
 *     that was voted for; a stale message changes nothing.
 */
export type MemberState =
  | { readonly phase: 'outside' }
  | { readonly phase: 'ready'; readonly generation: number }
  | { readonly phase: 'computing'; readonly generation: number; readonly plan: Plan }
  | { readonly phase: 'reducing'; readonly generation: number; readonly plan: Plan }
  | { readonly phase: 'voted'; readonly generation: number; readonly plan: Plan }

export type MemberEvent =
  | { readonly kind: 'leave' }
  | { readonly kind: 'enter'; readonly generation: number }
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'computed'; readonly attempt: AttemptId }
  | { readonly kind: 'reduced'; readonly attempt: AttemptId }
  | { readonly kind: 'commit'; readonly attempt: AttemptId }
  | { readonly kind: 'discard'; readonly attempt: AttemptId }

export type MemberAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'compute'; readonly plan: Plan }
  /** Divide, optimise into the second buffer, vote. */
  | { readonly kind: 'update'; readonly plan: Plan }
  | { readonly kind: 'flip'; readonly plan: Plan }
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
    case 'plan': {
      if (state.phase !== 'ready' || state.generation !== event.plan.generation) {
        return stale(state, event.plan, 'plan')
      }
      const { generation } = state
      return {
        state: { phase: 'computing', generation, plan: event.plan },
        action: { kind: 'compute', plan: event.plan },
      }
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
  if (state.phase !== from || !sameAttempt(attempt, state.plan)) return stale(state, attempt, to)
  const { generation, plan } = state
  const next: MemberState =
    to === 'ready' ? { phase: 'ready', generation } : { phase: to, generation, plan }
  return { state: next, action: action === 'none' ? { kind: 'none' } : { kind: action, plan } }
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
