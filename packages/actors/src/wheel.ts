import { KaitianError } from '@kaitian/errors'
import type { Clock } from './clock.js'
import { offNextTurn, onNextTurn } from './next-turn.js'
import { TimerSlots, type Timer } from './timer-slots.js'

export type { Timer } from './timer-slots.js'

export interface TimerWheelOptions {
  /** Timers fire at multiples of this on the clock; a whole number, 1 unless told. */
  tickMs?: number
}

/**
 * Many timers on one of the clock's. An ask starts a timer that is nearly
 * always cancelled, so that is what must be cheap: both are O(1) and leave the
 * clock alone, but for the reading of the time. The clock is armed for the
 * next timer's tick, never for a round of the wheel, so a virtual clock finds
 * nothing to do between two timers.
 */
export class TimerWheel {
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #slots: TimerSlots
  /** Takes back the clock's timer, which is set for the tick `slots.watched`. */
  #disarm: (() => void) | undefined
  #sweep: NodeJS.Immediate | undefined
  #closed = false

  constructor(clock: Clock, options: TimerWheelOptions = {}) {
    const { tickMs = 1 } = options
    // Of whole numbers, quotients that fall short of a tick are never rounded up to it.
    if (!Number.isSafeInteger(tickMs) || tickMs < 1) {
      throw new KaitianError('BAD_ARGUMENT', `tickMs is a whole number ≥ 1, not ${tickMs}`)
    }
    this.#clock = clock
    this.#tickMs = tickMs
    this.#slots = new TimerSlots(this.#sweepSoon)
  }

  /** Timers that have neither fired nor been cancelled. */
  get size(): number {
    return this.#slots.size
  }

  /**
   * Calls `fn` once, at the first tick that is not before `ms` from now: in
   * order of ticks, and of creation within one. At once (≤ 0) is not before
   * this call has returned; `Infinity` waits until it is cancelled. What `fn`
   * throws goes to the clock, as from a timer of its own; the others still fire.
   */
  after(ms: number, fn: () => void): Timer {
    const due = this.#tickOf(ms)
    const timer = this.#slots.add(due, fn)
    if (due < this.#slots.watched) this.#arm(due)
    return timer
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Cancels all timers; there can be no new ones. */
  close(): void {
    this.#closed = true
    this.#slots.clear()
    offNextTurn(this.#sweep)
    this.#disarmClock()
  }

  #tickOf(ms: number): number {
    const at = this.#clock.running() + (ms > 0 ? ms : 0)
    if (this.#closed || Number.isNaN(ms)) throw this.#refusal(ms)
    return Math.ceil(at / this.#tickMs)
  }

  #refusal(ms: number): KaitianError {
    return this.#closed
      ? new KaitianError('SYSTEM_STOPPED', 'The timer wheel is closed; set no timers after its end')
      : new KaitianError('BAD_ARGUMENT', `after(ms) wants a number of milliseconds, not ${ms}`)
  }

  /** The tick that the clock is in. */
  #tick(): number {
    return Math.floor(this.#clock.running() / this.#tickMs)
  }

  #arm(due: number): void {
    this.#disarm?.()
    this.#slots.watched = due
    // The platform's timers may be a part of a millisecond early: #wake then arms again.
    const wait = Math.max(0, due * this.#tickMs - this.#clock.running())
    this.#disarm = this.#clock.after(wait, this.#wake)
  }

  #disarmClock(): void {
    this.#disarm?.()
    this.#disarm = undefined
    this.#slots.watched = Infinity
  }

  readonly #wake = (): void => {
    const slots = this.#slots
    this.#disarm = undefined
    // Below all: what the callbacks set and cancel leaves the clock to #rearm.
    slots.watched = -Infinity
    const tick = this.#tick()
    try {
      // What a callback that threw has left.
      this.#callCollected()
      let due = slots.nextDue()
      while (due <= tick) {
        slots.collect(due)
        this.#callCollected()
        // What this tick's callbacks set for this tick waits for the next waking, or might keep
        // it busy for ever.
        due = due === tick ? Infinity : slots.nextDue()
      }
    } finally {
      this.#rearm()
    }
  }

  #callCollected(): void {
    for (let fn = this.#slots.shift(); fn !== undefined; fn = this.#slots.shift()) fn()
  }

  /**
   * The clock's own timer was cancelled. Another may follow in this turn that needs it, so it is
   * taken back at the turn's end: once a turn, whatever the number of asks.
   */
  readonly #sweepSoon = (): void => {
    this.#sweep ??= onNextTurn(() => {
      this.#sweep = undefined
      this.#rearm()
    })
  }

  #rearm(): void {
    const due = this.#slots.nextDue()
    // New timers go the lower, and so move the less, the nearer the position is to now.
    this.#slots.moveTo(Math.min(due, this.#tick()))
    if (due === this.#slots.watched) return
    this.#disarmClock()
    if (due < Infinity) this.#arm(due)
  }
}
