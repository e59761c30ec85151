import { KaitianError } from '@kaitian/errors'
import type { ActorSnapshot } from '../api/snapshot.js'
import { deferred } from '../deferred.js'
import { hasFakeTimers, nextTurn, onNextTurn } from '../next-turn.js'
import { Arena } from './seeded-turns.js'
import type { TestSystem } from './test-system.js'

/** Turns of the event loop in which nothing happens in any test system; then a run hangs. */
const patience = 10_000

/** How the platform tells of errors that nobody has caught. */
const uncaught = ['unhandledRejection', 'uncaughtException'] as const

/** Notices what a run does not tell of itself: that it hangs, and errors that nobody caught. */
export class Watchdog {
  readonly #system: TestSystem
  readonly #alarm = deferred<never>()
  #over = false
  #telling = false
  #quiet = 0
  #last = ''

  constructor(system: TestSystem) {
    this.#system = system
    this.#alarm.promise.catch(() => undefined)
    for (const event of uncaught) process.on(event, this.#onUncaught)
    onNextTurn(this.#look)
  }

  /** Waits for a run; rejects when one of the two is noticed. */
  async guard(run: Promise<void>): Promise<void> {
    try {
      await Promise.race([run, this.#alarm.promise])
    } finally {
      // To tell of it moves the clock, so that it may go on now: that does not count.
      if (this.#telling) await this.#alarm.promise
    }
  }

  /** Waits, but not for ever, for what goes on after an alarm: its errors are not the next run's. */
  async outlast(rest: Promise<unknown>): Promise<void> {
    let over = false
    void rest.finally(() => (over = true))
    // oxlint-disable-next-line no-unmodified-loop-condition -- the promise sets it
    for (let turns = 0; turns < patience && !over; turns++) await nextTurn()
    await nextTurn()
  }

  close(): void {
    this.#over = true
    for (const event of uncaught) process.off(event, this.#onUncaught)
  }

  readonly #onUncaught = (error: unknown): void => {
    if (!this.#telling) this.#alarm.reject(error)
  }

  readonly #look = (): void => {
    if (this.#over) return
    const { clock, trace } = this.#system
    const now = `${Arena.happened} ${clock.now()} ${clock.pending} ${trace.length}`
    this.#quiet = now === this.#last ? this.#quiet + 1 : 0
    this.#last = now
    if (this.#quiet < patience) onNextTurn(this.#look)
    else void this.#tell().catch(this.#alarm.reject)
  }

  async #tell(): Promise<void> {
    this.#telling = true
    const { pending } = this.#system.clock
    const time =
      pending === 0 ? 'no timer waits' : `nobody moves the clock, and ${pending} timers wait`
    const fake = hasFakeTimers()
      ? '; the timers of the platform are fake just now, so that what waits for them waits until the test moves them: let actors wait by ctx.clock'
      : ''
    const lines = await this.#pending()
    this.#alarm.reject(
      new KaitianError(
        'BAD_ARGUMENT',
        `The run does not end: it waits for something, but the actors are at rest and ${time}${fake}${lines.join('')}`,
      ),
    )
  }

  /** Who does something, or waits for something. */
  async #pending(): Promise<string[]> {
    const system = this.#system
    const asked = system.snapshot()
    // A thread that is stuck is given up after a while.
    await system.advance(1000)
    const snapshot = await Promise.race([asked, Promise.resolve(undefined)])
    return snapshot === undefined ? [] : [...unfinished(snapshot)]
  }
}

function* unfinished(actor: ActorSnapshot): Generator<string> {
  const { path, state, inHand, asks = [], mailbox } = actor
  const what = [
    ...(inHand === undefined ? [] : [`"${inHand.message}" in hand for ${inHand.forMs} ms`]),
    ...asks.map(({ to, message }) => `waits for the answer of ${to} to "${message}"`),
    ...(mailbox === undefined || mailbox.depth === 0 ? [] : [`${mailbox.depth} messages wait`]),
    ...(mailbox === undefined || mailbox.stashed === 0 ? [] : [`${mailbox.stashed} put aside`]),
  ]
  if (what.length > 0 || state !== 'idle') yield `\n  ${path} (${state}): ${what.join('; ')}`
  for (const child of actor.children) yield* unfinished(child)
}
