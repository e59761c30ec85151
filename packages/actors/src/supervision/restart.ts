import type { RestartOptions } from '../api/context.js'

/** Whether to restart, when, and why. */
type RestartDecision =
  | { restart: true; afterMs: number; restarts: number; reason: string }
  | { restart: false; reason: string }

/**
 * Restart intensity, as in OTP: at most `max` restarts within `withinMs`; the back-off doubles
 * with each one in the window, and so resets when the window has passed.
 *
 * @param now milliseconds
 * @param history when this actor was restarted, oldest first; not changed
 */
function decideRestart(
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

function restartsWithin(
  now: number,
  history: readonly number[],
  { withinMs }: { withinMs: number },
): number {
  return history.filter((at) => now - at < withinMs).length
}

/** The restarts of one actor that may be restarted. */
export class Restarts {
  readonly #options: RestartOptions
  readonly #history: number[] = []
  #decision: RestartDecision | undefined = undefined

  constructor(options: RestartOptions) {
    this.#options = options
  }

  /** It fails: true when it will be started again. */
  decide(now: number): boolean {
    this.#decision = decideRestart(now, this.#history, this.#options)
    return this.#decision.restart
  }

  /** After how long to start it again, as was decided; undefined when it is not. Counts as a restart. */
  next(now: number): number | undefined {
    if (this.#decision?.restart !== true) return undefined
    this.#history.push(now)
    return this.#decision.afterMs
  }

  /** So many lie within the window. */
  recent(now: number): number {
    return restartsWithin(now, this.#history, this.#options)
  }
}
