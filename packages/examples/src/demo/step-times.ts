import type { StepEvent, Training } from 'kaitian'
import { SETTLING_STEPS } from './parameters.js'

/** Times of a run's steps while nothing disturbs it. */
export class StepTimes {
  readonly #times: number[] = []
  #healthy = true

  constructor({ events }: Training) {
    events.on('step', (step) => this.#add(step))
    events.on('fault', () => (this.#healthy = false))
  }

  /** Steps that were counted. */
  get steps(): number {
    return this.#times.length
  }

  /** The median, ms: other programs of the host disturb some steps, and a mean would show them. */
  median(): number {
    const sorted = this.#times.toSorted((one, other) => one - other)
    const middle = sorted.length / 2
    return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2
  }

  #add({ committed, stepMs }: StepEvent): void {
    if (!this.#healthy || committed <= SETTLING_STEPS) return
    this.#times.push(stepMs)
  }
}
