import type { ReadyEvent } from '../run/events.js'
import type { RunSettings } from '../run/settings.js'
import type { Member } from './members.js'

export interface DataSetFacts {
  readonly name: string
  readonly train: number
  readonly test: number
}

export function readyEvent(
  settings: RunSettings,
  dataSet: DataSetFacts,
  devices: readonly Member[],
): ReadyEvent {
  return {
    task: settings.task.name,
    dataSet: dataSet.name,
    trainSamples: dataSet.train,
    testSamples: dataSet.test,
    epochs: settings.epochs,
    steps: settings.totalSteps,
    batch: settings.dealing.batch,
    shard: settings.dealing.shard,
    weights: settings.model.layout.weightSize,
    mode: settings.deterministic ? 'deterministic' : 'fp32',
    seed: settings.seed,
    backend: devices[0].info.backend,
    ...(settings.groupsChosen === undefined ? {} : { groupsChosen: settings.groupsChosen }),
    devices: devices.map(({ name, group, info }) => ({
      device: name,
      group: group.name,
      engine: group.engine,
      description: info.description,
      ...(group.pace === undefined ? {} : { pace: group.pace }),
    })),
  }
}
