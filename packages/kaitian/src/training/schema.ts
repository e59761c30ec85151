import { groupEntries, recordEntries, runEntries } from '@kaitian/train'
import { listOf, strict, text } from '@kaitian/train/schema'
import * as v from 'valibot'
import type { GroupDescription } from '../groups/assign.js'
import type { TrainingOptions } from './options.js'

// The runtime's entries, with places and groups as users write them.

type Entries<Options> = Readonly<Record<keyof Options, v.GenericSchema>>

const PLACE = 'must be a path or a file: URL'
const place = v.custom<string | URL>(isPlace, PLACE)

function isPlace(value: unknown): boolean {
  return typeof value === 'string' ? value !== '' : value instanceof URL
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
} satisfies Entries<Exclude<TrainingOptions['record'], string | URL | undefined>>)

export const trainingEntries = {
  ...runEntries,
  task: place,
  groups: v.optional(listOf(shortOr(v.string(GROUP), group), 1)),
  data: v.optional(place),
  record: v.optional(shortOr(place, record)),
  weights: v.optional(place),
  save: v.optional(place),
} satisfies Entries<TrainingOptions>

export const trainingSchema = strict(trainingEntries)
