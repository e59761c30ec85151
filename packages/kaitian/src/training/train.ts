import { openFacade, type FacadeOptions } from '@kaitian/actors'
import { isKaitianError, KaitianError } from '@kaitian/errors'
import { runtimeModule, type SentEvents, type TrainApi, type TrainOptions } from '@kaitian/train'
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
  openRuntime: (
    options: TrainOptions,
    surroundings: Surroundings,
    signal: AbortSignal,
  ) => Promise<Runtime>,
): StartTraining {
  return (options, surroundings = {}) => {
    const checked = toTrainOptions(options, surroundings.nameOf)
    const { save, record } = checked
    return new Training((signal) => openRuntime(checked, surroundings, signal), {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      files: {
        ...(save === undefined ? {} : { save }),
        ...(record === undefined ? {} : { record: record.folder }),
      },
    })
  }
}

export const startTraining: StartTraining = trainOn(openRuntimeThread)

/**
 * Starts a training run in a thread of its own; the caller's event loop stays
 * free. Options that cannot be right are refused here and now (KaitianError,
 * thrown); however the run ends after that is for `finished` to say, which never rejects.
 */
export function train(options: TrainingOptions): Training {
  return startTraining(options)
}

/** What the run refuses at its start is the user's business; in which thread it did so is not. */
async function openRuntimeThread(
  options: TrainOptions,
  { print }: Surroundings,
  signal: AbortSignal,
): Promise<Runtime> {
  try {
    return await openFacade<TrainApi, SentEvents>(runtimeModule(), {
      data: options,
      signal,
      ...(print === undefined ? {} : { print }),
    })
  } catch (error) {
    throw isKaitianError(error) && error.code === 'SPAWN_FAILED' ? reasonOf(error) : error
  }
}

function reasonOf(notOpened: KaitianError): KaitianError {
  const { message, cause, fields } = notOpened
  const isLost = fields['exitCode'] !== undefined
  if (isKaitianError(cause) && (!isLost || cause.code === 'THREAD_EXITED')) return cause
  return isLost ? new KaitianError('THREAD_EXITED', message, { cause, fields }) : notOpened
}
