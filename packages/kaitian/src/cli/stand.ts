import type { StepEvent } from '@kaitian/train'
import { counted } from '../terminal/format.js'
import type { Training } from '../training/training.js'

/** Where a run stands, for who ends it early. */
export interface Stand {
  /** Whether a step was committed. */
  begun(): boolean
  describe(): string
}

export function followStand(training: Training): Stand {
  let last: StepEvent | undefined
  let samples = 0
  training.events.on('step', (step) => {
    last = step
    samples += step.size
  })
  return {
    begun: () => last !== undefined,
    describe: () =>
      last === undefined
        ? 'before the first step was committed'
        : `after epoch ${last.epoch + 1}, step ${last.step + 1}: ` +
          `${counted(last.committed, 'step')} and ${counted(samples, 'sample')} committed`,
  }
}
