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
  let epochSamples = 0
  training.events.on('ready', ({ trainSamples }) => (epochSamples = trainSamples))
  training.events.on('step', (step) => (last = step))
  // Not added up: some steps may not have been told.
  const samplesTo = ({ epoch, cursor }: StepEvent): number => epoch * epochSamples + cursor
  return {
    begun: () => last !== undefined,
    describe: () =>
      last === undefined
        ? 'before the first step was committed'
        : `after epoch ${last.epoch + 1}, step ${last.step + 1}: ` +
          `${counted(last.committed, 'step')} and ${counted(samplesTo(last), 'sample')} committed`,
  }
}
