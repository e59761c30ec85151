import type { VirtualClock } from '@kaitian/actors'
import fc from 'fast-check'

// One script of what a user of timers does, played on the real thing and on a sorted list.

export interface Timers {
  now(): number
  after(ms: number, fn: () => void): { cancel(): void }
}

export interface World extends Timers {
  /** Timers that wait. */
  size(): number
  advance(ms: number): void | Promise<void>
  /** Fires what is next; false when nothing ever is. */
  next(): boolean | Promise<boolean>
}

/** What a timer does when it fires. */
type Reaction = { do: 'nothing' } | { do: 'add'; ms: number } | { do: 'cancel'; which: number }

export type Step =
  | { do: 'add'; ms: number; reaction: Reaction }
  | { do: 'cancel'; which: number }
  | { do: 'advance'; ms: number }
  | { do: 'next' }

const which = fc.nat()

function stepsOf(delays: fc.Arbitrary<number>): fc.Arbitrary<Step[]> {
  const reactions: fc.Arbitrary<Reaction> = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ do: 'nothing' }) },
    fc.record({ do: fc.constant('add'), ms: delays }),
    fc.record({ do: fc.constant('cancel'), which }),
  )
  return fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ do: fc.constant('add'), ms: delays, reaction: reactions }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel'), which }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('advance'), ms: spans }) },
      { weight: 2, arbitrary: fc.constant({ do: 'next' }) },
    ),
    { maxLength: 40, size: 'max' },
  ) as fc.Arbitrary<Step[]>
}

/** Delays around the ends of a wheel's rounds, and between them; quarters, so that sums are exact. */
const spans = fc.oneof(
  fc.nat(40),
  fc.nat(400).map((quarters) => quarters / 4),
  fc.nat(5_000),
  fc
    .tuple(fc.constantFrom(5, 10, 15, 20, 25, 30, 31, 35, 40), fc.integer({ min: -3, max: 3 }))
    .map(([power, around]) => 2 ** power + around),
)

/** Ties are frequent, also between timers that were set at different times. */
export const finiteSteps = fc.oneof(
  stepsOf(fc.oneof(spans, fc.constantFrom(0, 0, -1, 10, 10, 100))),
  stepsOf(fc.nat(6)),
)
export const steps = fc.oneof(finiteSteps, stepsOf(fc.oneof(spans, fc.constantFrom(5, Infinity))))

/** Where a clock may stand at first. */
export const starts = fc.constantFrom(0, 0.25, 1000, 2 ** 30 - 20, 2 ** 31 - 3, 1.7e12)

/** Plays a script; returns what fired when, and what was left after each step. */
export async function play(script: readonly Step[], world: World): Promise<string[]> {
  const log: string[] = []
  const handles: { cancel(): void }[] = []
  const cancel = (at: number): void => {
    if (handles.length > 0) handles[at % handles.length].cancel()
  }
  const add = (ms: number, reaction: Reaction): void => {
    const id = handles.length
    const timer = world.after(ms, () => {
      log.push(`${id} at ${world.now()}`)
      if (reaction.do === 'add') add(reaction.ms, { do: 'nothing' })
      if (reaction.do === 'cancel') cancel(reaction.which)
    })
    handles.push(timer)
  }
  for (const step of script) {
    if (step.do === 'add') add(step.ms, step.reaction)
    else if (step.do === 'cancel') cancel(step.which)
    else if (step.do === 'advance') await world.advance(step.ms)
    else log.push(`next: ${await world.next()}`)
    log.push(`${step.do}: ${world.size()} left at ${world.now()}`)
  }
  return log
}

interface Waiting {
  due: number
  fn: () => void
}

/** The obvious implementation. `next` fires all of a tick at once, or one timer where there are no ticks. */
export class NaiveTimers implements World {
  #now: number
  readonly #tickMs: number | undefined
  readonly #waiting: Waiting[] = []

  constructor(start: number, tickMs?: number) {
    this.#now = start
    this.#tickMs = tickMs
  }

  now(): number {
    return this.#now
  }

  size(): number {
    return this.#waiting.length
  }

  after(ms: number, fn: () => void): { cancel(): void } {
    const at = this.#now + Math.max(0, ms)
    const due = this.#tickMs === undefined ? at : Math.ceil(at / this.#tickMs) * this.#tickMs
    const timer = { due, fn }
    const later = this.#waiting.findIndex((other) => other.due > due)
    this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, timer)
    return { cancel: () => this.#remove(timer) }
  }

  advance(ms: number): void {
    const end = this.#now + ms
    while (this.#waiting.length > 0 && this.#waiting[0].due <= end) this.#fire(this.#waiting[0])
    this.#now = Math.max(this.#now, end)
  }

  next(): boolean {
    if (this.size() === 0 || this.#waiting[0].due === Infinity) return false
    const { due } = this.#waiting[0]
    const together = this.#waiting.filter((timer) => timer.due === due)
    for (const timer of this.#tickMs === undefined ? together.slice(0, 1) : together) {
      if (this.#waiting.includes(timer)) this.#fire(timer)
    }
    return true
  }

  #fire(timer: Waiting): void {
    this.#remove(timer)
    this.#now = Math.max(this.#now, timer.due)
    timer.fn()
  }

  #remove(timer: Waiting): void {
    const at = this.#waiting.indexOf(timer)
    if (at !== -1) this.#waiting.splice(at, 1)
  }
}

/** What a virtual clock does with timers of its own. */
export function worldOf(
  clock: VirtualClock,
  timers: Omit<Timers, 'now'>,
  size: () => number,
): World {
  return {
    size,
    now: () => clock.now(),
    after: (ms, fn) => timers.after(ms, fn),
    advance: (ms) => clock.advance(ms),
    next: () => clock.advanceToNext(),
  }
}
