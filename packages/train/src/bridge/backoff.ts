import type { Random } from '@kaitian/actors'

/** Below this a dead peer would be asked more often than it can answer. */
const FIRST_MS = 50
/** What a peer that is back waits at most before it is found. */
const LONGEST_MS = 2000

/** How long to wait before dialling again: doubled each time, and of a random length up to that. */
export class Backoff {
  readonly #random: Pick<Random, 'next'>
  #next = FIRST_MS

  constructor(random: Pick<Random, 'next'>) {
    this.#random = random
  }

  /**
   * Between a half and the whole of it at random, so that groups that lost each other in the same
   * moment do not all come back in the same moment.
   */
  next(): number {
    const whole = this.#next
    this.#next = Math.min(whole * 2, LONGEST_MS)
    return whole * (0.5 + this.#random.next() / 2)
  }

  /** A connection that held for longer than the longest wait has earned a quick start. */
  held(ms: number): void {
    if (ms > LONGEST_MS) this.#next = FIRST_MS
  }
}
