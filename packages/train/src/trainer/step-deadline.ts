import type { Clock } from '@kaitian/actors'
import type { CoordinatorState } from '../step/transition.js'

/** The timer of the step under way; `fire` is to let the coordinator look at the time. */
export class StepDeadline {
  readonly #clock: Clock
  readonly #fire: () => void
  #cancel = () => {}

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock
    this.#fire = fire
  }

  /** Timers may fire a little early, so a tick that decided nothing arms it again. */
  arm(state: CoordinatorState): void {
    this.cancel()
    if (state.phase !== 'stepping') return
    const left = state.attempt.deadlineAt - this.#clock.now()
    this.#cancel = this.#clock.after(Math.max(1, left), this.#fire)
  }

  cancel(): void {
    this.#cancel()
  }
}
