import { RecordError } from './failure.js'
import type { CommittedStep } from './history.js'
import { samplesIn, type Run } from './run.js'
import { Safetensors } from './safetensors.js'
import type { Parameters } from './optimiser.js'

/** A committed step in full, and the decision it belongs to. */
export interface SampledStep {
  readonly step: CommittedStep
  /** `epoch 0, step 3`, for messages. */
  readonly name: string
  readonly before: Parameters
  readonly after: Parameters
  readonly sum: Float32Array
  readonly inputs: Float32Array
  readonly labels: Uint8Array
  readonly ids: Uint32Array
  /** First sample of each shard and, last, the number of samples. */
  readonly shardBounds: readonly number[]
}

/** @throws RecordError when the file is damaged or its shapes are not the step's. */
export function readSampledStep(
  run: Run,
  step: CommittedStep,
  bytes: Uint8Array,
  file: string,
): SampledStep {
  const tensors = new Safetensors(bytes, file)
  const { plan } = step
  for (const [field, expected] of [
    ['epoch', plan.epoch],
    ['step', plan.step],
    ['count', plan.size],
    ['learningRate', plan.learningRate],
  ] as const) {
    const value = Number(tensors.metadata(field))
    if (value !== expected) {
      throw new RecordError(`${file}: ${field} is ${value}, the plan says ${expected}`)
    }
  }
  const { stateSize, weightSize, model } = run
  return {
    step,
    name: `epoch ${plan.epoch}, step ${plan.step}`,
    before: {
      state: tensors.f32('before.state', [stateSize]),
      velocity: tensors.f32('before.velocity', [weightSize]),
    },
    after: {
      state: tensors.f32('after.state', [stateSize]),
      velocity: tensors.f32('after.velocity', [weightSize]),
    },
    sum: tensors.f32('sum', [stateSize]),
    inputs: tensors.f32('inputs', [plan.size, ...model.input]),
    labels: tensors.u8('labels', [plan.size]),
    ids: tensors.u32('ids', [plan.size]),
    shardBounds: boundsOf(run, step),
  }
}

function boundsOf(run: Run, { plan }: CommittedStep): readonly number[] {
  const bounds = [0]
  for (let shard = plan.firstShard; bounds[bounds.length - 1] < plan.size; shard++) {
    const samples = samplesIn(run, shard)
    if (samples === 0) throw new RecordError(`shard ${shard} is planned, there is none`)
    bounds.push(bounds[bounds.length - 1] + samples)
  }
  return bounds
}

/** The samples are those that the permutation has at the step's place. */
export function checkSamples(
  run: Run,
  sampled: SampledStep,
  permutation: Uint32Array | undefined,
  labels: Uint8Array,
): readonly string[] {
  const failures: string[] = []
  const { plan } = sampled.step
  const from = plan.firstShard * run.shardSize
  const expected = permutation?.subarray(from, from + plan.size) ?? new Uint32Array(0)
  const wrong = sampled.ids.findIndex((id, at) => id !== expected[at])
  if (wrong !== -1) {
    const [id, due] = [sampled.ids[wrong], expected[wrong]]
    failures.push(`${sampled.name}: sample ${wrong} is id ${id}, the permutation has ${due}`)
  }
  const label = sampled.labels.find((each) => each >= run.model.classes)
  if (label !== undefined) failures.push(`${sampled.name}: there is no class ${label}`)
  const other = sampled.labels.findIndex((each, at) => each !== labels[sampled.ids[at]])
  if (other !== -1) {
    const id = sampled.ids[other]
    failures.push(
      `${sampled.name}: sample ${id} has label ${sampled.labels[other]}, labels.u8 has ${labels[id]}`,
    )
  }
  return failures
}

/** The steps that `sampleEvery` promises, and the run's last, are there. */
export function missingSamples(
  run: Run,
  committed: readonly CommittedStep[],
  present: ReadonlySet<string>,
): readonly string[] {
  if (run.sampleEvery === 0) return []
  const promised = committed.filter(
    (_, done) => done % run.sampleEvery === 0 || done === run.totalSteps - 1,
  )
  return promised
    .map(({ plan }) => `step-${plan.epoch}-${plan.step}.safetensors`)
    .filter((file) => !present.has(file))
    .map((file) => `${file} is missing: every ${run.sampleEvery} steps one is sampled`)
}
