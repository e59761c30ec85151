import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { KaitianError } from '@kaitian/errors'
import {
  checkNames,
  checkRecordFolder,
  checkWritable,
  type RecordOptions,
  type TrainOptions,
} from '@kaitian/train'
import { checked, type Refusal } from '@kaitian/train/schema'
import { assignDevices } from '../groups/assign.js'
import { locateTask } from '../task/locate.js'
import { trainingSchema, type RecordingOptions, type TrainingOptions } from './schema.js'

const SAMPLE_EVERY = 50

/**
 * The runtime's options. Paths become absolute, since the run may outlive the
 * working folder it was started in.
 *
 * @param nameOf how an option is called where the user wrote it
 * @throws KaitianError BAD_ARGUMENT, BAD_TASK, BAD_LOOP, UNKNOWN_ENGINE, UNKNOWN_DEVICE, FILE_WRITE_FAILED,
 *   BAD_CONFIG
 */
export function toTrainOptions(options: TrainingOptions, nameOf?: Refusal['nameOf']): TrainOptions {
  checked(trainingSchema, options, {
    code: 'BAD_ARGUMENT',
    whole: "train's argument",
    ...(nameOf === undefined ? {} : { nameOf }),
  })
  const { task, loop, groups, data, record, weights, save, signal: _, ...plain } = options
  const assigned = groups === undefined ? {} : { groups: assignDevices(groups) }
  checkNames({ ...assigned, ...(plain.ports && { ports: plain.ports }) }, nameOf)
  const recording = record === undefined ? undefined : toRecordOptions(record)
  const paths = {
    ...(data === undefined ? {} : { data: toPath(data) }),
    ...(weights === undefined ? {} : { weights: toPath(weights) }),
    ...(save === undefined ? {} : { save: toPath(save) }),
  }
  if (paths.save !== undefined) checkWritable(paths.save)
  if (recording !== undefined) checkRecordFolder(recording.folder)
  return {
    ...plain,
    task: locateTask(task),
    ...(loop === undefined ? {} : { loop: locateLoop(loop) }),
    ...assigned,
    ...paths,
    ...(recording === undefined ? {} : { record: recording }),
  }
}

function locateLoop(loop: string | URL): string {
  const path = toPath(loop)
  if (existsSync(path)) return pathToFileURL(path).href
  throw new KaitianError('BAD_LOOP', `There is no loop at ${path}; name a module file.`, {
    fields: { loop: path },
  })
}

function toRecordOptions(record: string | URL | RecordingOptions): RecordOptions {
  if (typeof record === 'string' || record instanceof URL)
    return toRecordOptions({ folder: record })
  return { folder: toPath(record.folder), sampleEvery: record.sampleEvery ?? SAMPLE_EVERY }
}

const SCHEME = /^[a-z][a-z0-9+.-]+:\/\//i

/** A `file:` URL may also be written as a text. */
function toPath(place: string | URL): string {
  if (typeof place === 'string' && !SCHEME.test(place)) return resolve(place)
  try {
    return fileURLToPath(place)
  } catch (cause) {
    throw new KaitianError(
      'BAD_ARGUMENT',
      `${String(place)} is not a file: URL of this machine; name a local path.`,
      { cause, fields: { url: String(place) } },
    )
  }
}
