import type { RestartOptions } from '../api/context.js'

/**
 * The restarts of one actor, and whether there is another. Restart intensity, as in OTP: at most
 * `max` restarts within `withinMs`; the back-off doubles with each one in the window, and so resets
 * when the window has passed.
 */
export class Restarts {
  readonly #options: RestartOptions
  /** When it was restarted, oldest first, in milliseconds. */
  readonly #history: number[] = []
  /** Decided at the last failure; undefined when it is not restarted. */
  #afterMs: number | undefined = undefined

  constructor(options: RestartOptions) {
    this.#options = options
  }

  /** It fails: true when it will be started again. */
  decide(now: number): boolean {
    const recent = this.recent(now)
    this.#afterMs = recent < this.#options.max ? backoff(this.#options, recent) : undefined
    return this.#afterMs !== undefined
  }

  /** After how long to start it again, as was decided; undefined: never. Counts as a restart. */
  next(now: number): number | undefined {
    if (this.#afterMs !== undefined) this.#history.push(now)
    return this.#afterMs
  }

  /** So many lie within the window. */
  recent(now: number): number {
    return this.#history.filter((at) => now - at < this.#options.withinMs).length
  }
}

/** Some 285,000 years: the wait that keeps doubling stays one that ends. */
const longestMs = Number.MAX_SAFE_INTEGER

function backoff({ backoffMs = 0, maxBackoffMs = Infinity }: RestartOptions, recent: number) {
  // No wait stays none, however often it doubles: 0 × ∞ would be no number.
  if (backoffMs === 0) return 0
  return Math.min(backoffMs * 2 ** recent, maxBackoffMs, longestMs)
}
