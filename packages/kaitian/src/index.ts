// The public API. Everything a user needs comes through this one import.

export { train } from './training/train.js'
export type { TrainEvents, Training, TrainingEvents } from './training/training.js'
export type { TrainingOptions } from './training/schema.js'
export { parseGroup, type GroupRequest } from './groups/parse.js'
export type { GroupDescription } from './groups/assign.js'
export { defineTask, sgd } from './task/define.js'
export { showProgress } from './terminal/show.js'
export { formatTable } from './terminal/summary.js'
export { RunHistory, type Curves, type Mark } from './report/history.js'
export { writeReport } from './report/write.js'
export type { ReportContent, ReportRun, ReportTable } from './report/page.js'
export { KaitianError, type ErrorCode, type ErrorRecord } from '@kaitian/errors'
export {
  averagePool,
  batchNorm,
  conv2d,
  defineLoop,
  dense,
  depthwiseConv2d,
  flatten,
  globalAveragePool,
  groupNorm,
  maxPool,
  readCifar10 as cifar10,
  relu,
  relu6,
  residual,
  synthesiseImages as syntheticImages,
} from '@kaitian/train'
export type {
  DataSet,
  DeviceReport,
  DeviceStep,
  EpochEvent,
  FaultEvent,
  GenerationEvent,
  Layer,
  LogEvent,
  Loop,
  LoopCluster,
  LoopContext,
  LoopData,
  LoopDefinition,
  ModelDescription,
  Pace,
  ReadyEvent,
  RecordOptions,
  RunSummary,
  SaveReport,
  Samples,
  SgdOptions,
  StepEvent,
  StepRequest,
  StepTimes,
  Task,
  TestResult,
} from '@kaitian/train'
