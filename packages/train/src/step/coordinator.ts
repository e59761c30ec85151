import type { ErrorCode } from '@kaitian/errors'
import { disagreement } from './agreement.js'
import { outgrown } from './scales.js'
import { sameAttempt, type Plan, type Vote } from './plan.js'
import type {
  Attempt,
  CoordinatorEvent,
  CoordinatorState,
  DeviceFault,
  Effect,
  Membership,
  Transition,
} from './transition.js'

/** Generations without progress or loss after which the run gives up rather than spins. */
const FRUITLESS_LIMIT = 5
/** Each retry gives 16 bits more room; past fp32's whole range only NaN is left. */
const RETRY_LIMIT = 12

export const idle: CoordinatorState = { phase: 'idle' }
/** Whatever comes after the end changes nothing. */
export const ended: CoordinatorState = { phase: 'ended' }

/**
 * The cluster's half of the step protocol as a pure state machine:
 * (state, event, now) in; state, effects and reasons out. A step is asked for
 * and in the end committed; generations come and go meanwhile.
 *
 * T3  A step is committed once every member of the generation voted for it
 *     with one digest and the shards in the votes partition the step's set;
 *     otherwise nobody commits.
 * T1  An attempt that did not commit is made again with the same shards.
 */
export function coordinate(
  state: CoordinatorState,
  event: CoordinatorEvent,
  now: number,
): Transition {
  if (state.phase === 'ended') return ignore(state, `${event.kind} after the end`)
  switch (event.kind) {
    case 'start':
      if (state.phase !== 'idle') return ignore(state, 'the run has begun already')
      return form({ ...founding, members: event.members }, 'start')
    case 'formed':
      return formed(state, event.generation)
    case 'request':
      return requested(state)
    case 'planned':
      return planned(state, event.plan, event.deadlineMs, now)
    case 'vote':
      return voted(state, event.vote)
    case 'failed':
      return failed(state, event.generation, event.cause, event.suspects)
    case 'down':
      return lost(state, event)
    case 'tick':
      return ticked(state, now)
    case 'stop':
      return end(state, 'stopped', undefined, 'stop was asked for')
  }
}

const founding = { generation: 1, ordinal: 0, asked: false, fruitless: 0, retries: 0, faults: [] }

function form(membership: Membership, cause: string): Transition {
  const { generation, members } = membership
  return {
    state: { phase: 'forming', membership },
    effects: [{ kind: 'form', generation, members, cause }],
  }
}

function formed(state: CoordinatorState, generation: number): Transition {
  if (state.phase !== 'forming' || state.membership.generation !== generation) {
    return ignore(state, `generation ${generation} formed too late`)
  }
  const { membership } = state
  if (!membership.asked) return { state: { phase: 'ready', membership }, effects: [] }
  return toPlan(membership)
}

function requested(state: CoordinatorState): Transition {
  if (state.phase !== 'ready' && state.phase !== 'forming') {
    return ignore(state, `a step was asked for while ${state.phase}`)
  }
  const membership = { ...state.membership, asked: true }
  return state.phase === 'ready'
    ? toPlan(membership)
    : { state: { phase: 'forming', membership }, effects: [] }
}

function toPlan(membership: Membership): Transition {
  const { generation, ordinal } = membership
  return {
    state: { phase: 'planning', membership },
    effects: [{ kind: 'plan', generation, ordinal }],
  }
}

function planned(state: CoordinatorState, plan: Plan, deadlineMs: number, now: number): Transition {
  if (
    state.phase !== 'planning' ||
    state.membership.generation !== plan.generation ||
    state.membership.ordinal !== plan.ordinal
  ) {
    return ignore(state, `plan ${plan.epoch}/${plan.step} is stale`)
  }
  const attempt: Attempt = { plan, deadlineAt: now + deadlineMs, votes: [] }
  return {
    state: { phase: 'stepping', membership: state.membership, attempt },
    effects: [{ kind: 'dispatch', plan }],
  }
}

function voted(state: CoordinatorState, vote: Vote): Transition {
  if (state.phase !== 'stepping' || !sameAttempt(vote, state.attempt.plan)) {
    return ignore(state, `vote of ${vote.device} for another attempt`)
  }
  const { membership, attempt } = state
  if (!membership.members.includes(vote.device)) return ignore(state, `${vote.device} is no member`)
  if (attempt.votes.some(({ device }) => device === vote.device)) {
    return ignore(state, `${vote.device} voted twice`)
  }
  const votes = [...attempt.votes, vote]
  if (votes.length < membership.members.length) {
    return { state: { ...state, attempt: { ...attempt, votes } }, effects: [] }
  }
  return decide(state, { ...attempt, votes })
}

/** All votes are in: commit, retry, or end because the members do not agree. */
function decide(
  state: Extract<CoordinatorState, { phase: 'stepping' }>,
  attempt: Attempt,
): Transition {
  const { plan, votes } = attempt
  const membership = { ...state.membership, ordinal: state.membership.ordinal + 1 }
  const offender = votes.find(({ finite }) => !finite)
  if (offender !== undefined || guessed(plan, votes)) {
    if (plan.exponents === undefined || membership.retries >= RETRY_LIMIT) {
      const who = offender?.device ?? votes[0].device
      return end(state, 'failed', 'NON_FINITE_GRADIENT', `${who} computed NaN or Infinity`)
    }
    const again = toPlan({ ...membership, retries: membership.retries + 1 })
    return {
      state: again.state,
      effects: [{ kind: 'retry', plan, votes }, ...again.effects],
    }
  }
  const fault = disagreement(plan, votes)
  if (fault !== undefined) return end(state, 'failed', fault.code, fault.cause)
  return {
    state: {
      phase: 'ready',
      membership: { ...membership, asked: false, fruitless: 0, retries: 0, faults: [] },
    },
    effects: [{ kind: 'commit', plan, votes }],
  }
}

/** Deterministic mode: gradients appeared where the scale was only a guess. */
function guessed({ unmeasured = [] }: Plan, votes: readonly Vote[]): boolean {
  return votes.some(({ maxima }) => maxima !== undefined && outgrown(unmeasured, maxima))
}

function failed(
  state: CoordinatorState,
  generation: number,
  cause: string,
  suspects: readonly string[],
): Transition {
  if (
    state.phase === 'idle' ||
    state.phase === 'ended' ||
    state.membership.generation !== generation
  ) {
    return ignore(state, `a failure of generation ${generation}: ${cause}`)
  }
  return down(state, suspects, cause, 'abort')
}

/** A device is gone. What it says of it counts also when the others have noticed before. */
function lost(
  state: CoordinatorState,
  { device, cause, fault, remains = false }: Extract<CoordinatorEvent, { kind: 'down' }>,
): Transition {
  if (state.phase === 'idle' || state.phase === 'ended' || fault === undefined) {
    return down(state, [device], cause, remains ? 'evict' : 'drop')
  }
  const { faults } = state.membership
  // Told by itself, and again when its end was noticed.
  const known = faults.some((one) => one.device === device && one.code === fault.code)
  const membership = { ...state.membership, faults: known ? faults : [...faults, fault] }
  return down({ ...state, membership }, [device], cause, remains ? 'evict' : 'drop')
}

/**
 * Aborts what is under way and goes on with the survivors, from unchanged parameters. `drop`: the
 * devices have ended; `evict`: they have not; `abort`: nor have they, and the generation is over
 * even if no member is among them.
 */
function down(
  state: CoordinatorState,
  devices: readonly string[],
  cause: string,
  how: 'drop' | 'evict' | 'abort',
): Transition {
  if (state.phase === 'idle' || state.phase === 'ended') return ignore(state, cause)
  const { membership } = state
  const gone = devices.filter((device) => membership.members.includes(device))
  const members = membership.members.filter((device) => !gone.includes(device))
  const fruitless = gone.length > 0 ? 0 : membership.fruitless + 1
  const over = verdict(membership.faults, members, fruitless, cause)
  if (gone.length === 0 && how !== 'abort' && over === undefined) {
    return ignore(state, `${devices.join(', ')}: no member`)
  }
  const abort: Effect = {
    kind: 'abort',
    generation: membership.generation,
    ...(state.phase === 'stepping' ? { plan: state.attempt.plan } : {}),
    cause,
  }
  const effects: Effect[] = [abort]
  if (how !== 'drop' && gone.length > 0) effects.push({ kind: 'evict', devices: gone, cause })
  const generation = membership.generation + 1
  const next =
    over === undefined
      ? form({ ...membership, generation, members, ordinal: 0, fruitless, retries: 0 }, cause)
      : endNow('failed', over.code, over.cause)
  return { state: next.state, effects: [...effects, ...next.effects] }
}

/**
 * Why a run cannot go on, if it cannot. What two devices meet in one step every device would meet,
 * and the first error that any of them met says more than that none is left.
 */
function verdict(
  faults: readonly DeviceFault[],
  members: readonly string[],
  fruitless: number,
  cause: string,
): { code: ErrorCode; cause: string } | undefined {
  const [first] = faults
  const alike = faults.find((fault) =>
    faults.some(({ device, code }) => device !== fault.device && code === fault.code),
  )
  if (alike !== undefined) {
    const names = faults.filter(({ code }) => code === alike.code).map(({ device }) => device)
    return { code: alike.code, cause: `${names.join(' and ')} failed alike: ${alike.message}` }
  }
  if (members.length === 0) {
    return first === undefined
      ? { code: 'NO_DEVICES_LEFT', cause: `no device is left: ${cause}` }
      : {
          code: first.code,
          cause: `${first.device} failed, and no device is left: ${first.message}`,
        }
  }
  if (fruitless <= FRUITLESS_LIMIT) return undefined
  return { code: 'PEER_DOWN', cause: `${fruitless} generations in a row failed: ${cause}` }
}

/**
 * Past the deadline whoever has not voted is given up, unless nobody has: a leader or a link that
 * is stuck keeps all of them waiting, and none can be told from the others. The next generation
 * finds out who does not answer.
 */
function ticked(state: CoordinatorState, now: number): Transition {
  if (state.phase !== 'stepping' || now < state.attempt.deadlineAt) return { state, effects: [] }
  const voters = new Set(state.attempt.votes.map(({ device }) => device))
  if (voters.size === 0) return down(state, [], 'nobody voted within the deadline', 'abort')
  const late = state.membership.members.filter((device) => !voters.has(device))
  return down(state, late, `no vote within the deadline from ${late.join(', ')}`, 'abort')
}

function end(
  state: CoordinatorState,
  outcome: 'stopped' | 'failed',
  code: ErrorCode | undefined,
  cause: string,
): Transition {
  const last = endNow(outcome, code, cause)
  if (state.phase !== 'stepping') return last
  const { membership, attempt } = state
  const { generation } = membership
  const abort: Effect = { kind: 'abort', generation, plan: attempt.plan, cause }
  return { state: last.state, effects: [abort, ...last.effects] }
}

function endNow(
  outcome: 'stopped' | 'failed',
  code: ErrorCode | undefined,
  cause: string,
): Transition {
  const effect: Effect = {
    kind: 'end',
    outcome,
    ...(code === undefined ? {} : { code }),
    cause,
  }
  return { state: ended, effects: [effect] }
}

function ignore(state: CoordinatorState, cause: string): Transition {
  return { state, effects: [{ kind: 'ignore', cause }] }
}
