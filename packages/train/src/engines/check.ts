import { KaitianError } from '@kaitian/errors'
import type { Model } from '../model/model.js'
import { sizeOf } from '../model/trace.js'
import type { Batch } from './engine.js'

/** Refuses a batch whose arrays are shorter than its count says, or whose labels are no classes. */
export function checkBatch({ count, inputs, labels, ids }: Batch, model: Model): void {
  const { input, classes } = model.description
  if (!Number.isSafeInteger(count) || count < 0) {
    refuse(`A batch's count is a whole number ≥ 0, not ${count}.`)
  }
  if (inputs.length < count * sizeOf(input) || labels.length < count || ids.length < count) {
    refuse(
      `A batch of ${count} samples needs ${count * sizeOf(input)} inputs, ${count} labels and ${count} ids, ` +
        `not ${inputs.length}, ${labels.length} and ${ids.length}.`,
    )
  }
  for (let sample = 0; sample < count; sample++) {
    if (labels[sample] >= classes) {
      refuse(`Sample ${ids[sample]} has label ${labels[sample]}; the model has ${classes} classes.`)
    }
  }
}

/** Refuses an array too short for the model's state. */
export function checkState(values: Float32Array, stateSize: number): void {
  if (values.length >= stateSize) return
  refuse(`The model's state has ${stateSize} values but the array only ${values.length}.`)
}

function refuse(message: string): never {
  throw new KaitianError('BAD_ARGUMENT', message)
}
