import { isKaitianError } from '@kaitian/errors'

const CODES: readonly string[] = [
  'ACTOR_FAILED',
  'ACTOR_QUARANTINED',
  'ACTOR_STOPPED',
  'ASK_TIMEOUT',
  'THREAD_EXITED',
]

/** Whoever was asked has ended, or does not answer; anything else is its own word. */
export function isGone(error: unknown): error is Error {
  return isKaitianError(error) && CODES.includes(error.code)
}
