import type { RestartOptions } from '../api/context.js'

/** Whether to restart, when, and why. */
export type RestartDecision =
  | { restart: true; afterMs: number; restarts: number; reason: string }
  | { restart: false; reason: string }

/**
 * Restart intensity, as in OTP: at most `max` restarts within `withinMs`; the back-off doubles
 * with each one in the window, and so resets when the window has passed.
 *
 * @param now milliseconds
 * @param history when this actor was restarted, oldest first; not changed
 */
export function decideRestart(
  now: number,
  history: readonly number[],
  options: RestartOptions | undefined,
): RestartDecision {
  if (options === undefined) return { restart: false, reason: 'no restart is declared' }
  const { max, withinMs, backoffMs = 0, maxBackoffMs = Infinity } = options
  const recent = restartsWithin(now, history, options)
  if (recent >= max) {
    return { restart: false, reason: `restarted ${recent} times within ${withinMs} ms` }
  }
  const afterMs = Math.min(backoffMs * 2 ** recent, maxBackoffMs)
  return {
    restart: true,
    afterMs,
    restarts: recent + 1,
    reason: `restart ${recent + 1} of ${max} within ${withinMs} ms, after ${afterMs} ms`,
  }
}

export function restartsWithin(
  now: number,
  history: readonly number[],
  { withinMs }: { withinMs: number },
): number {
  return history.filter((at) => now - at < withinMs).length
}
