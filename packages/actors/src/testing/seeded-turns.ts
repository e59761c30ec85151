import { KaitianError } from '@kaitian/errors'
import type { Scheduler, TurnTaker } from '../actor/turns.js'
import { onNextTurn } from '../next-turn.js'
import type { Random } from '../random.js'

const resolved = Promise.resolve()

interface Ready {
  owner: SeededTurns
  run: () => void
}

/**
 * All that could happen next, in all simulated threads of a test system, and a seed that picks one.
 * One thing happens in each microtask, so that what it woke in users' code goes on before the next:
 * when the event loop comes round, all is quiet.
 */
export class Arena {
  /** Things that happened in all arenas: while it does not grow, all of them are at rest. */
  static happened = 0
  readonly #random: Random
  readonly #most: number
  readonly #now: () => number
  readonly #ready: Ready[] = []
  #stepping = false
  #steps = 0
  #at = 0
  #failure: { error: unknown } | undefined

  /** @param most things that may happen at one time of the clock; more are a loop without end */
  constructor(random: Random, most: number, now: () => number) {
    this.#random = random
    this.#most = most
    this.#now = now
  }

  add(owner: SeededTurns, run: () => void): void {
    this.#ready.push({ owner, run })
    if (this.#stepping) return
    this.#stepping = true
    void resolved.then(this.#step)
  }

  drop(owner: SeededTurns): void {
    const kept = this.#ready.filter((ready) => ready.owner !== owner)
    this.#ready.splice(0, this.#ready.length, ...kept)
  }

  /** What follows is counted anew. Throws what was thrown outside any actor. */
  rest(): void {
    this.#steps = 0
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure.error
  }

  readonly #step = (): void => {
    this.#stepping = false
    if (this.#ready.length === 0) return
    Arena.happened++
    const now = this.#now()
    if (now !== this.#at) this.#steps = 0
    this.#at = now
    if (++this.#steps > this.#most) return this.#fail(this.#endless())
    const at = this.#ready.length === 1 ? 0 : this.#random.integer(this.#ready.length)
    const [{ run }] = this.#ready.splice(at, 1)
    // Before it runs, since it may throw.
    if (this.#ready.length > 0) {
      this.#stepping = true
      void resolved.then(this.#step)
    }
    try {
      run()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** For who settles the system next; when nobody does, an error that nobody has caught. */
  #fail(error: unknown): void {
    const failure = { error }
    this.#failure ??= failure
    onNextTurn(() => {
      if (this.#failure !== failure) return
      this.#failure = undefined
      // oxlint-disable-next-line promise/no-promise-in-callback -- so that nobody is known to have caught it
      void Promise.reject(error)
    })
  }

  #endless(): KaitianError {
    this.#ready.length = 0
    return new KaitianError(
      'BAD_ARGUMENT',
      `The actors did not come to rest within ${this.#most} turns; do some of them send each other messages for ever?`,
    )
  }
}

/** The turns of one simulated thread: takes part in the arena until it is closed. */
export class SeededTurns implements Scheduler {
  readonly #arena: Arena
  #closed = false

  constructor(arena: Arena) {
    this.#arena = arena
  }

  enlist(taker: TurnTaker): void {
    this.soon(() => void taker.takeTurns(1))
  }

  soon(fn: () => void): void {
    if (!this.#closed) this.#arena.add(this, fn)
  }

  later(fn: () => void): void {
    this.soon(fn)
  }

  close(): void {
    this.#closed = true
    this.#arena.drop(this)
  }
}
