import { KaitianError } from '@kaitian/errors'
import * as v from 'valibot'
import { ENGINE_SETTINGS } from '../engines/settings.js'
import { checked, strict, type Refusal } from '../schema/checked.js'
import {
  between,
  byName,
  cloneable,
  flag,
  listOf,
  LONGEST_MS,
  oneOf,
  text,
  whole,
} from '../schema/values.js'
import {
  BACKENDS,
  BRIDGES,
  POLICIES,
  type GroupOptions,
  type RecordOptions,
  type TrainOptions,
} from './options.js'

// The one place that says what a run's options may be. `train` of the package kaitian and the
// command line build on these entries; they write places and groups more freely.

type Entries<Options> = Readonly<Record<keyof Options, v.GenericSchema>>

const ms = between(0, LONGEST_MS, ' ms')

export const paceSchema = strict({ alphaMs: ms, betaMs: ms })

export const groupEntries = {
  name: text,
  engine: text,
  devices: listOf(text, 1),
  pace: v.optional(paceSchema),
  settings: v.optional(cloneable),
} satisfies Entries<GroupOptions>

export const recordEntries = {
  folder: text,
  sampleEvery: whole(0),
} satisfies Entries<RecordOptions>

export const runEntries = {
  task: text,
  groups: v.optional(listOf(strict(groupEntries), 1)),
  loop: v.optional(text),
  epochs: v.optional(whole(1)),
  batch: v.optional(whole(1)),
  shard: v.optional(whole(1)),
  seed: v.optional(whole(0)),
  data: v.optional(text),
  deterministic: v.optional(flag),
  policy: v.optional(oneOf(POLICIES)),
  maxSteps: v.optional(whole(1)),
  evaluate: v.optional(flag),
  deadlineMs: v.optional(between(100, LONGEST_MS, ' ms')),
  backend: v.optional(oneOf(BACKENDS)),
  bridge: v.optional(oneOf(BRIDGES)),
  secret: v.optional(text),
  ports: v.optional(byName(whole(0, 65_535))),
  record: v.optional(strict(recordEntries)),
  weights: v.optional(text),
  save: v.optional(text),
} satisfies Entries<TrainOptions>

const schema = strict(runEntries)

/** @throws KaitianError BAD_ARGUMENT */
export function checkTrainOptions(options: unknown): TrainOptions {
  checked(schema, options, { code: 'BAD_ARGUMENT', whole: "train's argument" })
  const given = options as TrainOptions
  checkNames(given)
  return given
}

/**
 * What the options say of each other's names: settings are those of the group's engine, ports are
 * those of the run's groups.
 *
 * @throws KaitianError BAD_ARGUMENT
 */
export function checkNames(
  { groups = [], ports = {} }: Pick<TrainOptions, 'groups' | 'ports'>,
  nameOf?: Refusal['nameOf'],
): void {
  for (const [index, { engine, settings = {} }] of groups.entries()) {
    const own = ENGINE_SETTINGS.get(engine)
    if (own === undefined) continue
    const place = `groups[${index}].settings`
    checked(own, settings, {
      code: 'BAD_ARGUMENT',
      whole: place,
      nameOf: (path) => `${place}.${path.join('.')}`,
      sentence: (what) => `The settings of engine '${engine}': ${what}`,
    })
  }
  const names = groups.map(({ name }) => name)
  const stranger = Object.keys(ports).find((name) => !names.includes(name))
  if (stranger === undefined) return
  const known = names.length === 0 ? 'no group is named' : `the groups are ${names.join(', ')}`
  throw new KaitianError(
    'BAD_ARGUMENT',
    `${nameOf?.(['ports']) ?? 'ports'} names group '${stranger}', but ${known}.`,
    { fields: { group: stranger, groups: names } },
  )
}
