import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KaitianError } from '@kaitian/errors'
import {
  checkRecordFolder,
  checkWritable,
  type RecordOptions,
  type TrainOptions,
} from '@kaitian/train'
import { assignDevices, type GroupDescription } from '../groups/assign.js'
import { locateTask } from '../task/locate.js'

/** What `train` is asked. Everything but `task` and `groups` has a default, mostly the task's. */
export interface TrainingOptions extends Omit<
  TrainOptions,
  'task' | 'groups' | 'data' | 'record' | 'weights' | 'save'
> {
  /** The task's module: a path, a `file:` URL, or a folder whose package.json names it. */
  readonly task: string | URL
  /** Short (`'a=tfjs@cpu*2'`) or in full. */
  readonly groups: readonly (string | GroupDescription)[]
  /** Folder of the data set; without it the task's default. */
  readonly data?: string | URL
  /** Folder to write a run record into, for the independent checker; every 50th step in full. */
  readonly record?: string | URL | RecordOptions
  /** safetensors file to start from. */
  readonly weights?: string | URL
  /** safetensors file to write the final weights to. */
  readonly save?: string | URL
}

const SAMPLE_EVERY = 50

/**
 * The runtime's options. Paths become absolute, since the run may outlive the
 * working folder it was started in. Throws BAD_ARGUMENT, BAD_TASK,
 * UNKNOWN_ENGINE, UNKNOWN_DEVICE or FILE_WRITE_FAILED; the ranges of numbers are the runtime's
 * own business.
 */
export function toTrainOptions(options: TrainingOptions): TrainOptions {
  const { task, groups, data, record, weights, save, ...plain } = options
  if (task === undefined || !Array.isArray(groups)) {
    throw new KaitianError('BAD_ARGUMENT', 'A run needs a task and a list of groups.')
  }
  const recording = record === undefined ? undefined : toRecordOptions(record)
  if (save !== undefined) checkWritable(toPath(save))
  if (recording !== undefined) checkRecordFolder(recording.folder)
  return {
    ...plain,
    task: locateTask(task),
    groups: assignDevices(groups),
    ...(data === undefined ? {} : { data: toPath(data) }),
    ...(recording === undefined ? {} : { record: recording }),
    ...(weights === undefined ? {} : { weights: toPath(weights) }),
    ...(save === undefined ? {} : { save: toPath(save) }),
  }
}

function toRecordOptions(record: string | URL | RecordOptions): RecordOptions {
  if (typeof record === 'string' || record instanceof URL) {
    return { folder: toPath(record), sampleEvery: SAMPLE_EVERY }
  }
  return { ...record, folder: toPath(record.folder) }
}

function toPath(place: string | URL): string {
  if (!(place instanceof URL)) return resolve(place)
  if (place.protocol === 'file:') return fileURLToPath(place)
  throw new KaitianError('BAD_ARGUMENT', `${place.href} is not a file: URL; name a local path.`, {
    fields: { url: place.href },
  })
}
