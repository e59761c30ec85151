import { groupEntries, recordEntries, runEntries, type TrainOptions } from '@kaitian/train'
import { listOf, strict, text } from '@kaitian/train/schema'
import * as v from 'valibot'
import type { GroupDescription } from '../groups/assign.js'

/** What `train` is asked. Everything but `task` has a default, mostly the task's. */
export interface TrainingOptions extends Omit<
  TrainOptions,
  'task' | 'loop' | 'groups' | 'data' | 'record' | 'weights' | 'save'
> {
  /** The task's module: a path, a `file:` URL, or a folder whose package.json names it. */
  readonly task: string | URL
  /** The module of a loop (see `defineLoop`): a path or a `file:` URL. Default: the built-in one. */
  readonly loop?: string | URL
  /**
   * Short (`'a=tfjs@cpu*2'`) or in full. Without it one group of as many CPU devices as the
   * machine and the batch have use for; the event `ready` says which.
   */
  readonly groups?: readonly (string | GroupDescription)[]
  /** Folder of the data set; without it the task's default. */
  readonly data?: string | URL
  /** Folder to write a run record into, for the independent checker; every 50th step in full. */
  readonly record?: string | URL | RecordingOptions
  /** safetensors file to start from. */
  readonly weights?: string | URL
  /** safetensors file to write the final weights to; not written by a run that commits no step. */
  readonly save?: string | URL
  /** Aborting it stops the run, as `stop()` does. One that is aborted already starts nothing. */
  readonly signal?: AbortSignal
}

export interface RecordingOptions {
  readonly folder: string | URL
  /** Every how many steps a step's tensors are recorded in full; 0: never. Default 50. */
  readonly sampleEvery?: number
}

// The runtime's entries, with places and groups as users write them.

type Entries<Options> = Readonly<Record<keyof Options, v.GenericSchema>>

const PLACE = 'must be a path or a file: URL'
const place = v.custom<string | URL>(isPlace, PLACE)

function isPlace(value: unknown): boolean {
  return typeof value === 'string' ? value !== '' : value instanceof URL
}

/** Also one of another realm, as test runners make them. */
function isSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener: listen } = value as Partial<AbortSignal>
  return typeof aborted === 'boolean' && typeof listen === 'function'
}

/** Short, or in full where the value is an object. */
function shortOr(short: v.GenericSchema, full: v.GenericSchema): v.GenericSchema {
  const isShort = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || value instanceof URL
  return v.lazy((value) => (isShort(value) ? short : full))
}

const GROUP = "must be a text such as 'a=tfjs@cpu*2', or an object"

const DEVICES = "must be a text such as 'cpu*2', or a list of such"
const devices = v.pipe(v.string(DEVICES), v.nonEmpty(DEVICES))

const group = strict({
  ...groupEntries,
  devices: v.lazy((value) => (Array.isArray(value) ? listOf(text, 1) : devices)),
} satisfies Entries<GroupDescription>)

const record = strict({
  ...recordEntries,
  folder: place,
  sampleEvery: v.optional(recordEntries.sampleEvery),
} satisfies Entries<RecordingOptions>)

export const trainingEntries = {
  ...runEntries,
  task: place,
  loop: v.optional(place),
  groups: v.optional(listOf(shortOr(v.string(GROUP), group), 1)),
  data: v.optional(place),
  record: v.optional(shortOr(place, record)),
  weights: v.optional(place),
  save: v.optional(place),
  signal: v.optional(v.custom<AbortSignal>(isSignal, 'must be an AbortSignal')),
} satisfies Entries<TrainingOptions>

export const trainingSchema = strict(trainingEntries)
