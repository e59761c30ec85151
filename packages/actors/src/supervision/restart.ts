import type { RestartOptions } from '../api/context.js'

/** Of an unlimited number of restarts; the doubling of a wait leaves the numbers' range there. */
const mostCounted = 1024

/**
 * The restarts of one actor, and whether there is another. Restart intensity, as in OTP: at most
 * `max` restarts within `withinMs`; the back-off doubles with each one in the window, and so resets
 * when the window has passed.
 */
export class Restarts {
  readonly #options: RestartOptions
  /** When it was restarted, oldest first, in milliseconds: those that still count, and no more than `max`. */
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
    if (this.#afterMs === undefined) return undefined
    this.#forget(now)
    // Where there may be as many as one likes, only the back-off counts them, and has long reached its maximum.
    if (this.#history.length >= mostCounted && this.#options.max === Infinity) this.#history.shift()
    this.#history.push(now)
    return this.#afterMs
  }

  /** So many lie within the window. */
  recent(now: number): number {
    this.#forget(now)
    return this.#history.length
  }

  #forget(now: number): void {
    const { withinMs } = this.#options
    const history = this.#history
    const first = history.findIndex((at) => now - at < withinMs)
    history.splice(0, first === -1 ? history.length : first)
  }
}

/** Some 285,000 years: the wait that keeps doubling stays one that ends. */
const longestMs = Number.MAX_SAFE_INTEGER

function backoff({ backoffMs = 0, maxBackoffMs = Infinity }: RestartOptions, recent: number) {
  // No wait stays none, however often it doubles: 0 × ∞ would be no number.
  if (backoffMs === 0) return 0
  return Math.min(backoffMs * 2 ** recent, maxBackoffMs, longestMs)
}
