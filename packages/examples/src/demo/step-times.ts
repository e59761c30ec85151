import type { StepEvent, Training } from 'kaitian'
import { SETTLING_STEPS } from './parameters.js'

/** Mean time of a run's steps while nothing disturbs it. */
export class StepTimes {
  #sum = 0
  #steps = 0
  #healthy = true

  constructor({ events }: Training) {
    events.on('step', (step) => this.#add(step))
    events.on('fault', () => (this.#healthy = false))
  }

  /** Steps that were counted. */
  get steps(): number {
    return this.#steps
  }

  /** Time of an epoch of `stepsPerEpoch` such steps, ms. */
  epochMs(stepsPerEpoch: number): number {
    return (this.#sum / this.#steps) * stepsPerEpoch
  }

  #add({ committed, stepMs }: StepEvent): void {
    if (!this.#healthy || committed <= SETTLING_STEPS) return
    this.#sum += stepMs
    this.#steps++
  }
}
