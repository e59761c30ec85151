import { BACKENDS, BRIDGES, POLICIES } from '@kaitian/train'
import type { Path } from '@kaitian/train/schema'
import { Option } from 'commander'
import type { TrainingOptions } from '../training/schema.js'
import { asNumber, collect, readPace, readPorts } from './values.js'

// How the options of `train` are written on the command line. What they may be is the business of
// their one schema: here a text only becomes a number, a list or a choice.

interface Flag {
  readonly flags: string
  readonly help: string
  /** Makes a value of the text; `before` is that of the same flag further left. */
  readonly read?: (text: string, before: never) => unknown
  readonly choices?: readonly string[]
  /** The variable to take it from when it is not given. */
  readonly env?: string
}

/** By the option's name in `TrainingOptions`. Its `signal` is what the system sends the command. */
const TRAIN_FLAGS = {
  groups: {
    flags: '--group <name=engine@device[*n]>',
    help: 'a group of like devices; repeatable (default: as many CPU devices as are of use)',
    read: collect,
  },
  loop: { flags: '--loop <module>', help: "a loop of one's own (default: the task's epochs)" },
  epochs: { flags: '--epochs <n>', help: "epochs to train (default: the task's)", read: asNumber },
  batch: { flags: '--batch <n>', help: 'samples a step, over all devices', read: asNumber },
  shard: {
    flags: '--shard <n>',
    help: 'samples of a shard, the unit that is dealt out',
    read: asNumber,
  },
  seed: { flags: '--seed <n>', help: 'seed of order, augmentation and weights', read: asNumber },
  maxSteps: { flags: '--max-steps <n>', help: 'stop after this many steps', read: asNumber },
  deterministic: {
    flags: '--deterministic',
    help: 'the same bits for any split, schedule or failure',
  },
  evaluate: { flags: '--no-evaluate', help: 'do not test after each epoch' },
  policy: { flags: '--policy <name>', help: 'how the batch is split', choices: POLICIES },
  data: { flags: '--data <folder>', help: 'the data set', env: 'KAITIAN_DATA' },
  weights: { flags: '--weights <file>', help: 'safetensors file to start from' },
  save: { flags: '--save <file>', help: 'write the final weights, as safetensors' },
  record: {
    flags: '--record <folder>',
    help: 'write a run record for the independent checker',
  },
  backend: { flags: '--backend <name>', help: 'which collectives run', choices: BACKENDS },
  bridge: {
    flags: '--bridge <how>',
    help: 'how groups reduce: in memory, or over TCP as hosts do',
    choices: BRIDGES,
  },
  deadlineMs: {
    flags: '--deadline <ms>',
    help: 'the one deadline all time limits derive from',
    read: asNumber,
  },
  ports: {
    flags: '--port <group=port>',
    help: "a group's bridge port, which means --bridge tcp (default: any free one); repeatable",
    read: readPorts,
  },
  secret: {
    flags: '--secret <text>',
    help: "the bridges' shared secret (default: a random one)",
    env: 'KAITIAN_SECRET',
  },
} satisfies Record<keyof Omit<TrainingOptions, 'task' | 'signal'>, Flag>

type TrainKey = keyof typeof TRAIN_FLAGS

/** What belongs to an option that is an object in `TrainingOptions`, or to the command alone. */
const OTHER_FLAGS = {
  pace: {
    flags: '--pace <group=alpha+beta>',
    help: 'simulate a slower group: a step takes at least alpha ms + beta ms a sample; repeatable',
    read: readPace,
  },
  sampleEvery: {
    flags: '--sample-every <n>',
    help: 'record every nth step in full',
    read: asNumber,
  },
  report: { flags: '--report <file>', help: 'write an HTML report' },
  json: { flags: '--json', help: 'one JSON object a line on stdout (docs/json-output.md)' },
} satisfies Record<string, Flag>

/** For commander, in the order of the help. */
export function trainFlags(): Option[] {
  return [...Object.values(TRAIN_FLAGS), ...Object.values(OTHER_FLAGS)].map(optionOf)
}

/** The options among what commander has read, by their names in `TrainingOptions`. */
export function trainOptionsIn(
  read: Readonly<Record<string, unknown>>,
): Partial<Record<TrainKey, unknown>> {
  const found = Object.entries(TRAIN_FLAGS).flatMap(([key, flag]) => {
    const value = read[optionOf(flag).attributeName()]
    return value === undefined ? [] : [[key, value] as const]
  })
  return Object.fromEntries(found)
}

/** How an option is called on the command line. */
export function flagOf(path: Path): string {
  const [key, ...rest] = path
  if (rest.includes('pace')) return '--pace'
  if (rest.includes('sampleEvery')) return '--sample-every'
  const names: Readonly<Record<string, Flag>> = TRAIN_FLAGS
  if (typeof key !== 'string' || !Object.hasOwn(names, key)) return `<${key}>`
  const { long } = optionOf(names[key])
  return [long, ...rest.filter((part) => typeof part === 'string')].join(' ')
}

function optionOf({ flags, help, read, choices, env }: Flag): Option {
  const option = new Option(flags, help)
  if (choices !== undefined) option.choices(choices)
  if (read !== undefined) option.argParser(read as (text: string, before: unknown) => unknown)
  return env === undefined ? option : option.env(env)
}
