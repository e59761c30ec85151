import { KaitianError } from '@kaitian/errors'
import { anyMs, checkArgument, finiteMs, finiteTime } from './checks.js'
import { nextTurn } from './next-turn.js'
import { TimerHeap, type HeapTimer } from './timer-heap.js'

/**
 * Time as a parameter. The only file of the project that touches the timers
 * and clocks of the platform; everything else is handed a `Clock`, so that a
 * simulation can drive the same code on virtual time.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number
  /** The calendar's time, for people to read. Never use it to measure. */
  wallTime(): Date
  /** Resolves after `ms`, at once when that is ≤ 0; rejects with `CANCELLED` when the signal aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `fn` once after `ms`, unless the returned function is called first. */
  after(ms: number, fn: () => void): () => void
}

/** A clock that moves only when told to. */
export interface VirtualClock extends Clock {
  /**
   * Moves time forward by `ms`, firing the timers on the way in order of their
   * due time (ties: in order of creation). Between two timers it waits until
   * the code they woke has settled, so timers set by that code fire in the same
   * advance when they fall due in it.
   */
  advance(ms: number): Promise<void>
  /** Moves to the next timer and fires it; false when there is none. */
  advanceToNext(): Promise<boolean>
  /** Timers that wait to fire. */
  readonly pending: number
}

/** setTimeout fires at once for longer delays than this (a 32-bit integer). */
const longestTimeoutMs = 2 ** 31 - 1

class SystemClock implements Clock {
  now(): number {
    return performance.now()
  }

  wallTime(): Date {
    return new Date()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal)
  }

  after(ms: number, fn: () => void): () => void {
    checkArgument('after()', 'ms', ms, anyMs)
    let timer: NodeJS.Timeout
    const arm = (left: number): void => {
      const wait = Math.min(left, longestTimeoutMs)
      timer = setTimeout(() => (left > wait ? arm(left - wait) : fn()), wait)
    }
    arm(Math.max(0, ms))
    return () => clearTimeout(timer)
  }
}

/** The platform's monotonic clock and timers. */
export const systemClock: Clock = new SystemClock()

class ManualClock implements VirtualClock {
  readonly #start: number
  #now: number
  #order = 0
  readonly #timers = new TimerHeap()

  constructor(start: number) {
    this.#start = start
    this.#now = start
  }

  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#now
  }

  wallTime(): Date {
    return new Date(this.#now - this.#start)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal)
  }

  after(ms: number, fn: () => void): () => void {
    checkArgument('after()', 'ms', ms, anyMs)
    const due = this.#now + Math.max(0, ms)
    const timer = { due, order: this.#order++, fn, at: -1 }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  async advance(ms: number): Promise<void> {
    checkArgument('advance()', 'ms', ms, finiteMs)
    const end = this.#now + ms
    await nextTurn()
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      await this.#fire(timer)
    }
    this.#now = Math.max(this.#now, end)
  }

  async advanceToNext(): Promise<boolean> {
    await nextTurn()
    const timer = this.#next(Infinity)
    if (timer !== undefined) await this.#fire(timer)
    return timer !== undefined
  }

  async #fire(timer: HeapTimer): Promise<void> {
    this.#timers.delete(timer)
    this.#now = Math.max(this.#now, timer.due)
    timer.fn()
    await nextTurn()
  }

  #next(end: number): HeapTimer | undefined {
    const first = this.#timers.first()
    return first !== undefined && first.due <= end ? first : undefined
  }
}

/** A clock for tests and simulations; its calendar starts in 1970. */
export function virtualClock(start = 0): VirtualClock {
  checkArgument('virtualClock()', 'start', start, finiteTime)
  return new ManualClock(start)
}

/** A `Clock`'s `sleep`, by its `after`. */
export function sleepOn(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      cancel()
      reject(cancelled(signal))
    }
    if (signal?.aborted) return reject(cancelled(signal))
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function cancelled(signal?: AbortSignal): KaitianError {
  return new KaitianError('CANCELLED', 'The sleep ended early because its signal aborted', {
    cause: signal?.reason,
  })
}
