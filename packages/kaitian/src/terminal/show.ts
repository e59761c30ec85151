import type { ReadyEvent, StepEvent } from '@kaitian/train'
import type { Training } from '../training/training.js'
import { openDisplay, type Display, type Output } from './display.js'
import {
  epochsIn,
  narrateEpoch,
  narrateFault,
  narrateGeneration,
  narrateLog,
  narrateQuotas,
  narrateReady,
  narrateStep,
} from './narrate.js'

/** Without a bar that moves, a line is printed this many times an epoch. */
const LINES_PER_EPOCH = 5
/** Weight of the newest step in the displayed rate and loss. */
const SMOOTHING = 0.1

/**
 * Follows a run in the terminal: a progress bar, and a line whenever quotas
 * move, something fails or an epoch ends. Plain lines where the output is no
 * terminal. Call it before the first `await` after `train`; the returned
 * function ends it early.
 */
export function showProgress(training: Training, output: Output = process.stdout): () => void {
  const display = openDisplay(output)
  const view = new ProgressView(display, output.isTTY !== true)
  const { events } = training
  events.on('ready', (ready) => view.ready(ready))
  events.on('generation', (event) => {
    if (event.generation > 0) display.line(narrateGeneration(event), 'quiet')
  })
  events.on('fault', (event) => display.line(narrateFault(event), 'bad'))
  events.on('step', (step) => view.step(step))
  events.on('epoch', (epoch) => display.line(narrateEpoch(epoch, view.epochs), 'good'))
  events.on('log', (event) => display.line(narrateLog(event), 'quiet'))
  const close = (): void => display.close()
  void training.finished.then(close)
  return close
}

class ProgressView {
  readonly #display: Display
  readonly #plain: boolean
  #ready: ReadyEvent | undefined
  #smooth: { loss: number; samplesPerSecond: number } | undefined

  constructor(display: Display, plain: boolean) {
    this.#display = display
    this.#plain = plain
  }

  get epochs(): number {
    return this.#ready === undefined ? 0 : epochsIn(this.#ready)
  }

  ready(ready: ReadyEvent): void {
    this.#ready = ready
    for (const line of narrateReady(ready)) this.#display.line(line)
  }

  step(step: StepEvent): void {
    const { samplesPerSecond, loss } = this.#follow(step)
    const steps = this.#ready?.steps ?? step.committed
    if (step.moved) this.#display.line(narrateQuotas(step), 'quiet')
    if (this.#plain && crossesMark(step, this.epochs * LINES_PER_EPOCH, steps)) {
      this.#display.line(narrateStep(step, samplesPerSecond))
    }
    const { epoch, committed } = step
    this.#display.move({ epoch, epochs: this.epochs, committed, steps, loss, samplesPerSecond })
  }

  #follow(step: StepEvent): { loss: number; samplesPerSecond: number } {
    const now = { loss: step.loss, samplesPerSecond: (step.size / step.stepMs) * 1000 }
    const before = this.#smooth ?? now
    this.#smooth = {
      loss: mix(before.loss, now.loss),
      samplesPerSecond: mix(before.samplesPerSecond, now.samplesPerSecond),
    }
    return this.#smooth
  }
}

function mix(before: number, now: number): number {
  return before + SMOOTHING * (now - before)
}

/** Whether the step, with those that were not told before it, carried the run past one of its marks. */
function crossesMark({ committed, skipped = 0 }: StepEvent, marks: number, steps: number): boolean {
  const mark = (at: number): number => Math.floor((at * marks) / steps)
  return mark(committed) > mark(committed - 1 - skipped)
}
