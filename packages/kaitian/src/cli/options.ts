import { KaitianError } from '@kaitian/errors'
import type { GroupDescription } from '../groups/assign.js'
import { parseGroup } from '../groups/parse.js'
import type { TrainingOptions } from '../training/options.js'
import type { TrainFlags } from './program.js'

/** The command line's flags as the library's options. */
export function toTrainingOptions(task: string, flags: TrainFlags): TrainingOptions {
  const { group: _, pace: _pace, json: _json, report: _report, ...rest } = flags
  const { deadline, port, record, sampleEvery, ...plain } = rest
  return {
    ...plain,
    task,
    groups: pacedGroups(flags),
    ...(deadline === undefined ? {} : { deadlineMs: deadline }),
    ...(port === undefined ? {} : { ports: known(port, '--port', flags) }),
    ...recordOption(record, sampleEvery),
  }
}

function recordOption(
  folder: string | undefined,
  sampleEvery: number | undefined,
): Pick<TrainingOptions, 'record'> {
  if (folder !== undefined) {
    return { record: sampleEvery === undefined ? folder : { folder, sampleEvery } }
  }
  if (sampleEvery === undefined) return {}
  throw new KaitianError('BAD_ARGUMENT', '--sample-every needs --record, the folder to write to.')
}

function pacedGroups(flags: TrainFlags): (string | GroupDescription)[] {
  const paces = known(flags.pace ?? {}, '--pace', flags)
  return flags.group.map((text) => {
    const { name, engine } = parseGroup(text)
    const pace = paces[name]
    if (pace === undefined) return text
    return { name, engine, devices: text.slice(text.indexOf('@') + 1), pace }
  })
}

/** The same values, once each is known to belong to a group of the run. */
function known<Value>(
  byGroup: Readonly<Record<string, Value>>,
  option: string,
  { group }: TrainFlags,
): Readonly<Record<string, Value>> {
  const names = group.map((text) => parseGroup(text).name)
  const stranger = Object.keys(byGroup).find((name) => !names.includes(name))
  if (stranger === undefined) return byGroup
  throw new KaitianError(
    'BAD_ARGUMENT',
    `${option} names group '${stranger}', but the groups are ${names.join(', ')}.`,
    { fields: { group: stranger, groups: names } },
  )
}
