import { openFacade, systemClock, type FacadeOptions } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { runtimeModule, type TrainApi, type TrainEvents, type TrainOptions } from '@kaitian/train'
import type { Refusal } from '@kaitian/train/schema'
import { toTrainOptions } from './options.js'
import type { TrainingOptions } from './schema.js'
import { Training, type Runtime } from './training.js'

/** What the command says beside the options. */
export interface Surroundings {
  /** How an option is called on the command line. */
  readonly nameOf?: Refusal['nameOf']
  /** Gets what the task and its threads print. */
  readonly print?: NonNullable<FacadeOptions['print']>
}

export type StartTraining = (options: TrainingOptions, surroundings?: Surroundings) => Training

/** `train` over another runtime, for tests. */
export function trainOn(
  openRuntime: (options: TrainOptions, surroundings: Surroundings) => Promise<Runtime>,
): StartTraining {
  return (options, surroundings = {}) => {
    const checked = toTrainOptions(options, surroundings.nameOf)
    const files = checked.save !== undefined || checked.record !== undefined
    return new Training(() => openRuntime(checked, surroundings), systemClock, files)
  }
}

export const startTraining: StartTraining = trainOn(openRuntimeThread)

/**
 * Starts a training run in a thread of its own; the caller's event loop stays
 * free. Options that cannot be right are refused here and now (KaitianError,
 * thrown); what only the run can find out rejects `finished`.
 */
export function train(options: TrainingOptions): Training {
  return startTraining(options)
}

/** What the run refuses at its start is the user's business; in which thread it did so is not. */
async function openRuntimeThread(options: TrainOptions, { print }: Surroundings): Promise<Runtime> {
  try {
    return await openFacade<TrainApi, TrainEvents>(runtimeModule(), {
      data: options,
      ...(print === undefined ? {} : { print }),
    })
  } catch (error) {
    const wraps = error instanceof KaitianError && error.code === 'SPAWN_FAILED'
    throw wraps && error.cause instanceof KaitianError ? error.cause : error
  }
}
