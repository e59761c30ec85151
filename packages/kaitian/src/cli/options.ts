import { KaitianError } from '@kaitian/errors'
import type { Pace } from '@kaitian/train'
import type { GroupDescription } from '../groups/assign.js'
import { parseGroup } from '../groups/parse.js'
import type { TrainingOptions } from '../training/schema.js'
import type { TrainFlags } from './program.js'
import { trainOptionsIn } from './train-flags.js'

/** The command line's flags as the library's options, which are checked like any others. */
export function toTrainingOptions(task: string, flags: TrainFlags): TrainingOptions {
  const { group, pace, record, sampleEvery } = flags
  const groups = withPaces(group, pace ?? new Map())
  const recording = recordOption(record, sampleEvery)
  const given = {
    task,
    ...trainOptionsIn({ ...flags }),
    ...(groups === undefined ? {} : { groups }),
    ...(recording === undefined ? {} : { record: recording }),
  }
  // Not yet known to be right: `train` checks it.
  return given as TrainingOptions
}

function recordOption(folder: string | undefined, sampleEvery: unknown): unknown {
  if (folder !== undefined && sampleEvery !== undefined) return { folder, sampleEvery }
  if (folder !== undefined || sampleEvery === undefined) return folder
  throw new KaitianError('BAD_ARGUMENT', '--sample-every needs --record, the folder to write to.')
}

function withPaces(
  groups: readonly string[] | undefined,
  paces: ReadonlyMap<string, Pace>,
): (string | GroupDescription)[] | undefined {
  const names = groups?.map((text) => parseGroup(text).name) ?? []
  const stranger = [...paces.keys()].find((name) => !names.includes(name))
  if (stranger !== undefined) {
    const known = names.length === 0 ? 'no group is named' : `the groups are ${names.join(', ')}`
    throw new KaitianError('BAD_ARGUMENT', `--pace names group '${stranger}', but ${known}.`, {
      fields: { group: stranger, groups: names },
    })
  }
  return groups?.map((text) => {
    const { name, engine } = parseGroup(text)
    const pace = paces.get(name)
    if (pace === undefined) return text
    return { name, engine, devices: text.slice(text.indexOf('@') + 1), pace }
  })
}
