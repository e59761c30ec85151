import { offNextTurn, onNextTurn } from '../next-turn.js'

/** Something that takes turns, and gets in line again by itself when it wants more. */
export interface TurnTaker {
  /** Names it in a trace. */
  readonly path: string
  /** Returns how many it took, at most `budget`. */
  takeTurns(budget: number): number
}

/**
 * Who runs next in one thread. The one place where the runtime decides an order that its promises
 * leave open; a test kit decides it from a seed.
 */
export interface Scheduler {
  /** The caller sees to it that nobody is in line twice. */
  enlist(taker: TurnTaker): void
  /** Before the event loop goes on. */
  soon(fn: () => void): void
  /** When the event loop comes round. */
  later(fn: () => void): void
  /** No more turns; what is still in line is dropped. */
  close(): void
}

/** Turns of one actor before the next one's. */
const turnsInARow = 32
/** Turns of all actors of a thread before timers and ports get theirs. */
const turnsPerTick = 1024

const resolved = Promise.resolve()

/**
 * First come, first served, in microtasks: fast, but actors that keep each other busy would starve
 * timers and ports, so after `turnsPerTick` the rest waits for the event loop.
 */
export class Turns implements Scheduler {
  #line: TurnTaker[] = []
  #running: TurnTaker[] = []
  #scheduled = false
  #left = turnsPerTick
  readonly #immediates = new Set<NodeJS.Immediate>()

  enlist(taker: TurnTaker): void {
    this.#line.push(taker)
    if (this.#scheduled) return
    this.#scheduled = true
    // A queueMicrotask costs five times as much, for an async resource that nobody looks at.
    if (this.#left > 0) void resolved.then(this.#run)
    else this.later(this.#refill)
  }

  soon(fn: () => void): void {
    void resolved.then(fn)
  }

  later(fn: () => void): void {
    const immediate = onNextTurn(() => {
      this.#immediates.delete(immediate)
      fn()
    })
    this.#immediates.add(immediate)
  }

  close(): void {
    for (const immediate of this.#immediates) offNextTurn(immediate)
    this.#immediates.clear()
    this.#line = []
  }

  readonly #run = (): void => {
    this.#scheduled = false
    const line = this.#line
    this.#line = this.#running
    this.#running = line
    for (let i = 0; i < line.length; i++) this.#left -= line[i].takeTurns(turnsInARow)
    line.length = 0
  }

  readonly #refill = (): void => {
    this.#left = turnsPerTick
    this.#run()
  }
}
