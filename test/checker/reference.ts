import { buildNetwork } from './layers/network.js'
import { sizeOf } from './layers/layer.js'
import { couplesSamples, type Description, type Tensor } from './model.js'

/** Samples computed together where nothing couples them: enough for the matrix products, few for the cache. */
const CHUNK = 8

export interface Reference {
  /** Layout of the state: gradient sums of the weights, then sums over samples of the statistics. */
  readonly sum: Float64Array
  /** Cross-entropy of each sample, nats. */
  readonly losses: Float64Array
  /** By how much each sample's logit of its label exceeds the largest of the others. */
  readonly margins: Float64Array
  /** Sum over samples of |softmax − one-hot|: how much of the labels is not yet fitted. */
  readonly residual: number
}

/**
 * Loss and summed gradient in fp64, by plain loops. `state` holds weights, then
 * running statistics (which training does not read); `inputs` are [samples,
 * …input] row-major; `shardBounds` are the first samples of the shards and, last,
 * the number of samples. Only batch norm depends on the shards.
 *
 * @throws RecordError when description and tensors do not fit together.
 */
export function referenceGradient(
  description: Description,
  tensors: readonly Tensor[],
  state: Float64Array | Float32Array,
  inputs: Float64Array | Float32Array,
  labels: Uint8Array,
  shardBounds: readonly number[],
): Reference {
  const sum = new Float64Array(state.length)
  const network = buildNetwork(description, tensors, Float64Array.from(state), sum)
  const inputSize = sizeOf(description.input)
  const bounds = couplesSamples(description) ? shardBounds : chunks(labels.length)
  const losses = new Float64Array(labels.length)
  const margins = new Float64Array(labels.length)
  let residual = 0
  for (let part = 0; part + 1 < bounds.length; part++) {
    const [from, to] = [bounds[part], bounds[part + 1]]
    const input = Float64Array.from(inputs.subarray(from * inputSize, to * inputSize))
    const logits = network.forward(input, to - from)
    const loss = crossEntropy(logits, labels.subarray(from, to), description.classes)
    losses.set(loss.losses, from)
    margins.set(loss.margins, from)
    residual += loss.residual
    network.backward(loss.gradient)
  }
  return { sum, losses, margins, residual }
}

function chunks(samples: number): readonly number[] {
  const bounds: number[] = []
  for (let from = 0; from < samples; from += CHUNK) bounds.push(from)
  return [...bounds, samples]
}

/** Softmax cross-entropy: loss = log Σ exp(z) − z[label], gradient = softmax − one-hot. */
function crossEntropy(
  logits: Float64Array,
  labels: Uint8Array,
  classes: number,
): { gradient: Float64Array; losses: Float64Array; margins: Float64Array; residual: number } {
  const gradient = new Float64Array(logits.length)
  const losses = new Float64Array(labels.length)
  const margins = new Float64Array(labels.length)
  let residual = 0
  for (let sample = 0; sample < labels.length; sample++) {
    const from = sample * classes
    const row = logits.subarray(from, from + classes)
    // without the largest logit taken out, exp overflows
    const largest = row.reduce((best, value) => Math.max(best, value), -Infinity)
    const total = row.reduce((partial, value) => partial + Math.exp(value - largest), 0)
    losses[sample] = Math.log(total) + largest - row[labels[sample]]
    const others = row.filter((_, each) => each !== labels[sample])
    margins[sample] = row[labels[sample]] - Math.max(...others)
    let squares = 0
    for (let each = 0; each < classes; each++) {
      const target = each === labels[sample] ? 1 : 0
      const difference = Math.exp(row[each] - largest) / total - target
      gradient[from + each] = difference
      squares += difference * difference
    }
    residual += Math.sqrt(squares)
  }
  return { gradient, losses, margins, residual }
}
