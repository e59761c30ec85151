import { randomBytes } from 'node:crypto'
import { KaitianError } from '@kaitian/errors'
import type { DataSet } from '../data/dataset.js'
import { defineModel } from '../model/define.js'
import type { Layer, Model } from '../model/model.js'
import type { UpdateRule } from '../device/state.js'
import { cutBuckets, flatSize, type Bucket } from '../step/buckets.js'
import { stepsPerEpoch, type Dealing } from '../step/ledger.js'
import { chooseGroups, thisMachine, type ChosenGroups, type Machine } from './choose-groups.js'
import type { GroupOptions, TrainOptions } from './options.js'
import type { Task } from './task.js'

/** A run's options with every default filled in and every contradiction refused. */
export interface RunSettings {
  readonly options: TrainOptions
  readonly task: Task
  readonly model: Model
  readonly dealing: Dealing
  readonly groups: readonly GroupOptions[]
  /** Which groups were chosen and why, where none were named. */
  readonly groupsChosen?: string
  readonly epochs: number
  readonly totalSteps: number
  readonly seed: number
  readonly deterministic: boolean
  readonly backend: 'auto' | 'native' | 'typescript'
  readonly policy: 'adaptive' | 'even'
  readonly evaluate: boolean
  /** How groups reduce. */
  readonly bridge: 'memory' | 'tcp'
  readonly secret: string
  readonly rule: UpdateRule
  readonly buckets: readonly Bucket[]
  readonly bucketSize: number
  readonly flatSize: number
  readonly deadlines: Deadlines
}

/**
 * One budget, in ms; every timeout is a share of it, so that the innermost
 * wait gives up first and can say who was late.
 */
export interface Deadlines {
  readonly budget: number
  /** A member marks its bucket. */
  readonly collective: number
  /** Groups open the links to each other. Within a call they have 5/4 of `collective`. */
  readonly bridge: number
  /** All votes of a step are in. */
  readonly step: number
  /** An actor answers: open, join, enter, form. */
  readonly control: number
}

const DEFAULT_DEADLINE_MS = 60_000
/** 256 KiB of fp32: several buckets even for small models, few enough for large ones. */
const BUCKET_ELEMENTS = 65_536
/** A member of the collectives may have so many calls under way. */
const MOST_BUCKETS = 32
/** Shards whose scaled gradients still fit into an int64 sum. */
const MOST_SHARDS = 1024

/**
 * A late member is named after `collective` by its own group, a silent group after 5/4 of it by
 * the others; both must fit into the step's own.
 */
export function deadlines(budget: number): Deadlines {
  return {
    budget,
    collective: budget * 0.4,
    bridge: budget * 0.5,
    control: budget * 0.6,
    step: budget,
  }
}

/** @param options checked, as `checkTrainOptions` does, and so is the task */
export function resolveSettings(
  options: TrainOptions,
  task: Task,
  data: DataSet,
  machine: Machine = thisMachine(),
): RunSettings {
  const model = defineModel(task.model)
  checkData(data, model)
  const dealing = {
    samples: data.train.count,
    batch: options.batch ?? task.batch,
    shard: options.shard ?? task.shard,
  }
  const { groups, reason } = groupsOf(options, machine, dealing, model)
  checkDealing(dealing, groups, options.deterministic ?? false)
  const epochs = options.epochs ?? task.epochs
  const total = stepsPerEpoch(dealing) * epochs
  const limits = deadlines(options.deadlineMs ?? DEFAULT_DEADLINE_MS)
  checkPaces(groups, limits)
  const bucketSize = Math.max(BUCKET_ELEMENTS, Math.ceil(flatSize(model.layout) / MOST_BUCKETS))
  return {
    options,
    task,
    model,
    dealing,
    groups,
    ...(reason === undefined ? {} : { groupsChosen: reason }),
    epochs,
    totalSteps: Math.min(total, options.maxSteps ?? total),
    seed: options.seed ?? 1,
    deterministic: options.deterministic ?? false,
    backend: options.backend ?? 'auto',
    bridge: bridgeOf(options),
    policy: options.policy ?? 'adaptive',
    evaluate: options.evaluate ?? true,
    secret: options.secret ?? randomBytes(32).toString('hex'),
    rule: updateRule(task, model),
    buckets: cutBuckets(model.layout, bucketSize),
    bucketSize,
    flatSize: flatSize(model.layout),
    deadlines: limits,
  }
}

function groupsOf(
  { groups }: TrainOptions,
  machine: Machine,
  { batch, shard }: Dealing,
  { layout }: Model,
): Partial<ChosenGroups> & Pick<ChosenGroups, 'groups'> {
  if (groups !== undefined) return { groups }
  const shards = Math.ceil(batch / shard)
  return chooseGroups(machine, { shards, stateSize: layout.stateSize })
}

/** A device that is made so slow would be given up in its first step. */
function checkPaces(groups: readonly GroupOptions[], { collective, budget }: Deadlines): void {
  for (const { name, pace } of groups) {
    if (pace === undefined || pace.alphaMs < collective) continue
    throw new KaitianError(
      'BAD_CONFIG',
      `A step of group ${name} takes ${pace.alphaMs} ms at least by its pace, but with a deadline of ` +
        `${budget} ms a device has ${collective} ms; give a longer deadline or a faster pace.`,
      { fields: { group: name, alphaMs: pace.alphaMs, deadlineMs: budget } },
    )
  }
}

/** Who names ports wants them used. */
function bridgeOf({ bridge = 'auto', ports }: TrainOptions): 'memory' | 'tcp' {
  if (bridge !== 'auto') return bridge
  return ports === undefined ? 'memory' : 'tcp'
}

function checkDealing(
  dealing: Dealing,
  groups: readonly GroupOptions[],
  deterministic: boolean,
): void {
  const { samples, batch, shard } = dealing
  if (batch < shard * groups.length) {
    throw new KaitianError(
      'BATCH_TOO_SMALL',
      `A global batch of ${batch} has fewer than one shard of ${shard} for each of ${groups.length} groups; ` +
        `use a batch of at least ${shard * groups.length} or smaller shards.`,
      { fields: { batch, shard, groups: groups.length } },
    )
  }
  if (batch % shard !== 0) {
    throw new KaitianError(
      'BAD_CONFIG',
      `A global batch of ${batch} is not a whole number of shards of ${shard}; make it a multiple of ${shard}.`,
      { fields: { batch, shard } },
    )
  }
  if (deterministic && batch / shard > MOST_SHARDS) {
    throw new KaitianError(
      'BAD_CONFIG',
      `Deterministic mode adds at most ${MOST_SHARDS} shards a step, not ${batch / shard}; use larger shards.`,
      { fields: { batch, shard } },
    )
  }
  if (batch > samples) {
    throw new KaitianError(
      'BAD_CONFIG',
      `A global batch of ${batch} is larger than the data set of ${samples} samples; use a smaller batch.`,
      { fields: { batch, samples } },
    )
  }
}

function checkData(data: DataSet, model: Model): void {
  const wanted = model.description.input.join('×')
  for (const samples of [data.train, data.test]) {
    const shape = samples.shape.join('×')
    if (shape === wanted) continue
    throw new KaitianError(
      'BAD_TASK',
      `The model takes samples of ${wanted} but ${data.name} has ${shape}; make them agree.`,
      { fields: { shape: samples.shape, input: model.description.input } },
    )
  }
  if (data.classes > model.description.classes) {
    throw new KaitianError(
      'BAD_TASK',
      `${data.name} has ${data.classes} classes but the model only ${model.description.classes}; widen its last layer.`,
      { fields: { classes: data.classes } },
    )
  }
}

/** Statistics stand in the layout in the order of the batch norms, mean before variance. */
function updateRule(task: Task, model: Model): UpdateRule {
  const { momentum, weightDecay } = task.optimiser
  const norms = [...batchNorms(model.description.layers)]
  return {
    momentum: Math.fround(momentum),
    weightDecay: Math.fround(weightDecay),
    statisticMomenta: norms.flatMap((norm) => [norm.momentum, norm.momentum]),
  }
}

function* batchNorms(layers: readonly Layer[]): Generator<Extract<Layer, { kind: 'batchNorm' }>> {
  for (const layer of layers) {
    if (layer.kind === 'batchNorm') yield layer
    if (layer.kind === 'residual') {
      yield* batchNorms(layer.body)
      yield* batchNorms(layer.shortcut)
    }
  }
}
