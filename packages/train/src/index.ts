import { ownFile } from '@kaitian/errors'

export * from './model/index.js'
export type { Batch, BatchResult, Engine, EngineFactory, EngineOptions } from './engines/engine.js'
export type { DataSet, Samples } from './data/dataset.js'
export { readCifar10 } from './data/cifar10.js'
export { synthesiseImages } from './data/synthetic.js'
export { adviceOf } from './files/failure.js'
export { checkRecordFolder, checkWritable } from './files/place.js'
export { writeWhole, type Disk, type OpenFile } from './files/write-whole.js'
export { loadWeights, saveWeights } from './checkpoint/weights.js'
export { engineFactory } from './engines/registry.js'
export { parseDevice } from './device/address.js'
export { defineLoop } from './loop/loop.js'
export type { Loop, LoopCluster, LoopContext, LoopData, LoopDefinition } from './loop/loop.js'
export type { StepRequest } from './cluster/cluster.js'
export type { TrainApi } from './run/api.js'
export type * from './run/events.js'
export {
  BACKENDS,
  BRIDGES,
  POLICIES,
  type GroupOptions,
  type Pace,
  type RecordOptions,
  type TrainOptions,
} from './run/options.js'
export { chooseGroups, type ChosenGroups, type Machine } from './run/choose-groups.js'
export { checkNames, groupEntries, recordEntries, runEntries } from './run/schema.js'
export type { SgdOptions, Task } from './run/task.js'
export { checkTask } from './run/load-task.js'
export { sending } from './runtime/sending.js'
export { Runtime, type Emit, type Surroundings } from './runtime/runtime.js'

/** Module of the runtime's thread, for `openFacade`. */
export function runtimeModule(): URL {
  return ownFile('./runtime/main.js', import.meta.url)
}
