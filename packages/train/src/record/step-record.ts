import type { Tensor } from '../checkpoint/safetensors.js'
import type { Batch } from '../engines/engine.js'

/** A committed step in full, as the run record keeps it. */
export interface StepRecord {
  readonly epoch: number
  readonly step: number
  readonly tensors: readonly Tensor[]
  readonly metadata: Readonly<Record<string, string>>
}

export interface StepTensors {
  readonly epoch: number
  readonly step: number
  readonly learningRate: number
  readonly input: readonly number[]
  readonly batch: Batch
  readonly before: { readonly state: Float32Array; readonly velocity: Float32Array }
  readonly after: { readonly state: Float32Array; readonly velocity: Float32Array }
  readonly sum: Float32Array
}

/** Copies what devices will overwrite with the next step. */
export function recordStep(step: StepTensors): StepRecord {
  const { batch, before, after, sum, input } = step
  const floats = (name: string, values: Float32Array, shape = [values.length]): Tensor => ({
    name,
    dtype: 'F32',
    shape,
    data: values.slice(),
  })
  return {
    epoch: step.epoch,
    step: step.step,
    tensors: [
      floats('before.state', before.state),
      floats('before.velocity', before.velocity),
      floats('after.state', after.state),
      floats('after.velocity', after.velocity),
      floats('sum', sum),
      floats('inputs', batch.inputs, [batch.count, ...input]),
      { name: 'labels', dtype: 'U8', shape: [batch.count], data: batch.labels.slice() },
      { name: 'ids', dtype: 'U32', shape: [batch.count], data: batch.ids.slice() },
    ],
    metadata: {
      epoch: String(step.epoch),
      step: String(step.step),
      count: String(batch.count),
      learningRate: String(step.learningRate),
    },
  }
}
