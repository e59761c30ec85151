import { RecordError } from './failure.js'
import { Fields } from './fields.js'
import type { Description, LayerDescription, Tensor } from './model.js'

/** run.json: what was to be done. */
export interface Run {
  readonly samples: number
  readonly shardSize: number
  readonly globalBatch: number
  readonly epochs: number
  readonly mode: 'fp32' | 'deterministic'
  readonly model: Description
  readonly tensors: readonly Tensor[]
  readonly weightSize: number
  readonly stateSize: number
  readonly momentum: number
  readonly weightDecay: number
  readonly schedule: Schedule
  /** Steps that the run was to commit. */
  readonly totalSteps: number
  /** Every how many committed steps one is sampled, and the run's last; 0: none. */
  readonly sampleEvery: number
  /** Group of each device. */
  readonly groups: ReadonlyMap<string, string>
  /** Engine of each device. */
  readonly engines: ReadonlyMap<string, string>
  /** Of the state that the run started from. */
  readonly digest: string
  readonly buckets: readonly Bucket[]
}

/** What the learning rate of each step follows from. */
export interface Schedule {
  readonly kind: 'constant' | 'cosine' | 'loop'
  readonly learningRate: number
  readonly warmupSteps: number
}

export interface Bucket {
  readonly offset: number
  readonly size: number
}

/** @throws RecordError */
export function parseRun(value: unknown): Run {
  const fields = new Fields(value, 'run.json')
  if (fields.count('version') !== 2) throw new RecordError('run.json: only version 2 is known')
  const optimiser = fields.object('optimiser')
  optimiser.oneOf('kind', ['sgd'])
  const run: Run = {
    samples: fields.count('samples', 1),
    shardSize: fields.count('shardSize', 1),
    globalBatch: fields.count('globalBatch', 1),
    epochs: fields.count('epochs', 1),
    mode: fields.oneOf('mode', ['fp32', 'deterministic']),
    model: description(fields.object('model')),
    tensors: fields.objects('tensors').map(tensor),
    weightSize: fields.count('weightSize', 1),
    stateSize: fields.count('stateSize', 1),
    momentum: optimiser.number('momentum'),
    weightDecay: optimiser.number('weightDecay'),
    schedule: {
      kind: optimiser.oneOf('schedule', ['constant', 'cosine', 'loop']),
      learningRate: optimiser.number('learningRate'),
      warmupSteps: optimiser.count('warmupSteps'),
    },
    totalSteps: fields.count('totalSteps', 1),
    sampleEvery: fields.count('sampleEvery'),
    groups: groups(fields.objects('groups')),
    engines: engines(fields.object('engines')),
    digest: fields.digest('digest'),
    buckets: fields.has('buckets') ? fields.objects('buckets').map(bucket) : [],
  }
  refuseMisfits(run)
  return run
}

function refuseMisfits(run: Run): void {
  if (run.globalBatch % run.shardSize !== 0) {
    throw new RecordError('run.json: globalBatch is not a multiple of shardSize')
  }
  for (const device of run.groups.keys()) {
    if (!run.engines.has(device)) throw new RecordError(`run.json: no engine for ${device}`)
  }
  const weights = run.tensors.filter(({ role }) => role === 'weight')
  const statistics = run.tensors.filter(({ role }) => role === 'statistic')
  if (!tiles(weights, 0, run.weightSize) || !tiles(statistics, run.weightSize, run.stateSize)) {
    throw new RecordError('run.json: tensors do not tile weights, then statistics, without gaps')
  }
  if (run.mode === 'deterministic' && !tiles(run.buckets, 0, run.stateSize)) {
    throw new RecordError('run.json: buckets do not cover the state once')
  }
}

/** True when the parts, in some order, cover from..to once. */
function tiles(parts: readonly Bucket[], from: number, to: number): boolean {
  let end = from
  for (const part of parts.toSorted((left, right) => left.offset - right.offset)) {
    if (part.offset !== end) return false
    end += part.size
  }
  return end === to
}

function tensor(fields: Fields): Tensor {
  const shape = fields.numbers('shape')
  const size = fields.count('size')
  if (shape.reduce((product, extent) => product * extent, 1) !== size) {
    throw new RecordError(`${fields.where}: size is not the product of shape`)
  }
  const role = fields.oneOf('role', ['weight', 'statistic'])
  return { name: fields.text('name'), role, shape, offset: fields.count('offset'), size }
}

function bucket(fields: Fields): Bucket {
  return { offset: fields.count('offset'), size: fields.count('size') }
}

function groups(list: readonly Fields[]): Map<string, string> {
  const groupOf = new Map<string, string>()
  for (const group of list) {
    for (const device of group.texts('devices')) {
      if (groupOf.has(device)) throw new RecordError(`run.json: ${device} stands in two groups`)
      groupOf.set(device, group.text('name'))
    }
  }
  return groupOf
}

function engines(fields: Fields): Map<string, string> {
  return new Map(fields.names().map((device) => [device, fields.text(device)]))
}

function description(fields: Fields): Description {
  return {
    input: fields.numbers('input'),
    layers: fields.objects('layers').map(layer),
    classes: fields.count('classes', 1),
  }
}

/** Checks the fields that the reference reads; shapes are checked when it is built. */
function layer(fields: Fields): LayerDescription {
  const kind = fields.text('kind')
  switch (kind) {
    case 'conv2d':
      return { kind, filters: fields.count('filters', 1), ...convolution(fields) }
    case 'depthwiseConv2d':
      return { kind, ...convolution(fields) }
    case 'dense':
      return { kind, units: fields.count('units', 1), bias: fields.flag('bias') }
    case 'groupNorm':
      return { kind, groups: fields.count('groups', 1), epsilon: fields.number('epsilon') }
    case 'batchNorm':
      return { kind, epsilon: fields.number('epsilon'), momentum: fields.number('momentum') }
    case 'maxPool':
    case 'averagePool':
      return { kind, size: fields.count('size', 1), ...placement(fields) }
    case 'residual':
      return {
        kind,
        body: fields.objects('body').map(layer),
        shortcut: fields.objects('shortcut').map(layer),
      }
    case 'relu':
    case 'relu6':
    case 'globalAveragePool':
    case 'flatten':
      return { kind }
    default:
      throw new RecordError(`${fields.where}: unknown layer kind ${kind}`)
  }
}

function convolution(fields: Fields): {
  kernel: number
  bias: boolean
  stride: number
  padding: 'same' | 'valid'
} {
  return { kernel: fields.count('kernel', 1), bias: fields.flag('bias'), ...placement(fields) }
}

function placement(fields: Fields): { stride: number; padding: 'same' | 'valid' } {
  return { stride: fields.count('stride', 1), padding: fields.oneOf('padding', ['same', 'valid']) }
}

/** Shards of an epoch. */
export function shardsOf(run: Run): number {
  return Math.ceil(run.samples / run.shardSize)
}

/** Samples of one shard: m, fewer in the last one, none outside the epoch. */
export function samplesIn(run: Run, shard: number): number {
  if (!Number.isInteger(shard) || shard < 0 || shard >= shardsOf(run)) return 0
  return Math.min(run.shardSize, run.samples - shard * run.shardSize)
}
