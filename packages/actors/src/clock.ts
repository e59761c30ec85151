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
  /** Milliseconds since an arbitrary start; never goes back. For measuring: deadlines go by `running`. */
  now(): number
  /**
   * Milliseconds in which this thread could run, since an arbitrary start. It stands still while
   * the process is stopped (Ctrl-Z, a container's pause, a debugger, a snapshot), swapped out or
   * busy with something else, for all but the first fifth of a second of it. All waits go by it, so such
   * a pause makes nobody late.
   */
  running(): number
  /** The calendar's time, for people to read. Never use it to measure. */
  wallTime(): Date
  /** Resolves after `ms` of `running`, at once when that is ≤ 0; rejects with `CANCELLED` when the signal aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `fn` once after `ms` of `running`, unless the returned function is called first. */
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
  /** Moves `now` forward by `ms` as if the process had been stopped: `running`, and so the timers, stand still. */
  pause(ms: number): void
  /** Timers that wait to fire. */
  readonly pending: number
}

/** setTimeout fires at once for longer delays than this (a 32-bit integer). */
const longestTimeoutMs = 2 ** 31 - 1

/** How often a thread that has timers looks whether it was passed by. */
const PULSE_MS = 100

class SystemClock implements Clock {
  /** Milliseconds of `now` that are none of `running`. */
  #missed = 0
  /** When the next pulse is due; infinite while there are no timers, and nothing to be late for. */
  #pulseDue = Infinity
  #timers = 0

  now(): number {
    return performance.now()
  }

  running(): number {
    const now = performance.now()
    // What comes before the pulse would, after a pause, must see it too.
    const missed = now - this.#pulseDue - PULSE_MS
    if (missed > 0) {
      this.#missed += missed
      this.#pulseDue = now
    }
    return now - this.#missed
  }

  wallTime(): Date {
    return new Date()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal)
  }

  after(ms: number, fn: () => void): () => void {
    checkArgument('after()', 'ms', ms, anyMs)
    const due = this.running() + Math.max(0, ms)
    let timer: NodeJS.Timeout
    let waits = true
    const end = (): void => {
      if (waits) this.#timers--
      waits = false
    }
    const arm = (left: number): void => {
      timer = setTimeout(look, Math.min(left, longestTimeoutMs))
    }
    const look = (): void => {
      const left = due - this.running()
      // The platform's timers may be a part of a millisecond early.
      if (left >= 1) return arm(left)
      end()
      fn()
    }
    if (++this.#timers === 1 && this.#pulseDue === Infinity) this.#pulse()
    arm(Math.max(0, ms))
    return () => {
      end()
      clearTimeout(timer)
    }
  }

  /** Keeps no process alive, and ends by itself when there are no timers. */
  #pulse(): void {
    const now = performance.now()
    this.#pulseDue = now + PULSE_MS
    setTimeout(() => {
      this.running()
      if (this.#timers > 0) this.#pulse()
      else this.#pulseDue = Infinity
    }, PULSE_MS).unref()
  }
}

/** The platform's monotonic clock and timers. */
export const systemClock: Clock = new SystemClock()

class ManualClock implements VirtualClock {
  readonly #start: number
  /** As `running` has it; timers are due by it. */
  #now: number
  #paused = 0
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
    return this.#now + this.#paused
  }

  running(): number {
    return this.#now
  }

  wallTime(): Date {
    return new Date(this.now() - this.#start)
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

  pause(ms: number): void {
    checkArgument('pause()', 'ms', ms, finiteMs)
    this.#paused += ms
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
