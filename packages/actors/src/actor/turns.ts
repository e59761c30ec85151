/** Something that takes turns, and gets in line again by itself when it wants more. */
export interface TurnTaker {
  /** Returns how many it took, at most `budget`. */
  takeTurns(budget: number): number
}

/** Turns of one actor before the next one's. */
const turnsInARow = 32
/** Turns of all actors of a thread before timers and ports get theirs. */
const turnsPerTick = 1024

/**
 * Shares a thread among its actors, first come, first served. Turns run in microtasks, which is
 * fast but would starve timers and ports if actors kept each other busy: after `turnsPerTick`
 * the rest waits for the event loop.
 */
export class Turns {
  #line: TurnTaker[] = []
  #scheduled = false
  #refilling: NodeJS.Immediate | undefined
  #left = turnsPerTick

  /** The caller sees to it that nobody is in line twice. */
  enlist(taker: TurnTaker): void {
    this.#line.push(taker)
    if (this.#scheduled || this.#left <= 0) return
    this.#scheduled = true
    queueMicrotask(this.#run)
  }

  /** No more turns; what is still in line is dropped. */
  close(): void {
    clearImmediate(this.#refilling)
    this.#line = []
  }

  readonly #run = (): void => {
    this.#scheduled = false
    if (this.#line.length === 0) return
    const line = this.#line
    this.#line = []
    this.#refilling ??= setImmediate(this.#refill)
    for (const taker of line) this.#left -= taker.takeTurns(turnsInARow)
  }

  readonly #refill = (): void => {
    this.#refilling = undefined
    this.#left = turnsPerTick
    if (this.#line.length > 0 && !this.#scheduled) this.#run()
  }
}
