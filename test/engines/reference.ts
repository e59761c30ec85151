import type { Model } from '@kaitian/train/model'
import { chain, type Context } from './reference-layers.js'

// Forward pass in fp64, loop by loop, and gradients by central differences:
// slow, and sharing nothing with the engines but the model's description.

export interface ReferenceBatch {
  count: number
  inputs: ArrayLike<number>
  labels: ArrayLike<number>
}

/** Sums over the samples, and the batch's moments by tensor name. */
export function referenceForward(
  model: Model,
  state: Float64Array,
  batch: ReferenceBatch,
  training = true,
) {
  const context: Context = { model, state, count: batch.count, training, statistics: new Map() }
  const { input, layers, classes } = model.description
  const values = Float64Array.from(batch.inputs)
  const logits = chain(context, layers, { shape: [...input], values }).values
  let lossSum = 0
  let correct = 0
  for (let n = 0; n < batch.count; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes)
    const best = Math.max(...row)
    const total = row.reduce((sum, value) => sum + Math.exp(value - best), 0)
    lossSum += Math.log(total) + best - row[batch.labels[n]]
    if (row[batch.labels[n]] === best) correct++
  }
  return { lossSum, correct, statistics: context.statistics }
}

/** d(lossSum)/d(weights), then statistic × count: what `Engine.gradient` writes. */
export function referenceGradient(
  model: Model,
  state: ArrayLike<number>,
  batch: ReferenceBatch,
): Float64Array {
  const step = 1e-6
  const point = Float64Array.from(state)
  const gradient = new Float64Array(model.layout.stateSize)
  for (let i = 0; i < model.layout.weightSize; i++) {
    const value = point[i]
    point[i] = value + step
    const above = referenceForward(model, point, batch).lossSum
    point[i] = value - step
    gradient[i] = (above - referenceForward(model, point, batch).lossSum) / (2 * step)
    point[i] = value
  }
  const { statistics } = referenceForward(model, point, batch)
  for (const slot of model.layout.tensors) {
    const moments = statistics.get(slot.name)
    if (moments)
      gradient.set(
        moments.map((value) => value * batch.count),
        slot.offset,
      )
  }
  return gradient
}

export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0
  let norm = 0
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2
    norm += expected[i] ** 2
  }
  return Math.sqrt(difference / norm)
}
