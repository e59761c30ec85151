import type { Batch, BatchResult } from '../engine.js'

/**
 * Softmax cross-entropy over `classes` logits a sample, in f64. Where `logits`
 * is also to become the gradient, it is overwritten with softmax − one-hot: the
 * gradient of the sum, not of the mean.
 */
export function crossEntropy(
  logits: Float32Array,
  { count, labels }: Pick<Batch, 'count' | 'labels'>,
  classes: number,
  gradient: boolean,
): BatchResult {
  let lossSum = 0
  let correct = 0
  for (let sample = 0; sample < count; sample++) {
    const row = logits.subarray(sample * classes, (sample + 1) * classes)
    const label = labels[sample]
    const best = argMax(row)
    let total = 0
    // shifted by the largest logit, so that no exponential overflows
    const shift = row[best]
    for (let c = 0; c < classes; c++) total += Math.exp(row[c] - shift)
    lossSum += Math.log(total) - (row[label] - shift)
    if (best === label) correct++
    if (!gradient) continue
    for (let c = 0; c < classes; c++) row[c] = Math.exp(row[c] - shift) / total
    row[label] -= 1
  }
  return { count, lossSum, correct }
}

/** Index of the largest value; the first of several. */
function argMax(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i
  return best
}
