import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { couplesSamples, type Description, type LayerDescription } from './model.js'
import { referenceGradient } from './reference.js'
import { describeTensors, numbers } from './fixtures/layout.js'

/**
 * The reference is what everything else is measured against, so it is measured
 * against the definition of a gradient: central differences of its own loss,
 * and its loss against values worked out by hand.
 */
const gradients = suite('reference gradient')

const STEP = 1e-5
const TOLERANCE = 1e-6

const image = [5, 6, 4]
const head: LayerDescription[] = [{ kind: 'flatten' }, { kind: 'dense', units: 3, bias: true }]

const layers: Record<string, LayerDescription[]> = {
  dense: [],
  'conv2d, same, stride 2': [
    { kind: 'conv2d', filters: 5, kernel: 3, stride: 2, padding: 'same', bias: true },
  ],
  'conv2d, same, even kernel': [
    { kind: 'conv2d', filters: 3, kernel: 2, stride: 1, padding: 'same', bias: false },
  ],
  'conv2d, valid, stride 2': [
    { kind: 'conv2d', filters: 2, kernel: 3, stride: 2, padding: 'valid', bias: true },
  ],
  'depthwiseConv2d, same': [
    { kind: 'depthwiseConv2d', kernel: 3, stride: 2, padding: 'same', bias: true },
  ],
  'depthwiseConv2d, valid': [
    { kind: 'depthwiseConv2d', kernel: 2, stride: 1, padding: 'valid', bias: false },
  ],
  groupNorm: [
    { kind: 'conv2d', filters: 6, kernel: 3, stride: 1, padding: 'same', bias: true },
    { kind: 'groupNorm', groups: 2, epsilon: 1e-3 },
  ],
  batchNorm: [
    { kind: 'conv2d', filters: 3, kernel: 3, stride: 1, padding: 'same', bias: false },
    { kind: 'batchNorm', epsilon: 1e-3, momentum: 0.1 },
  ],
  relu: [
    { kind: 'conv2d', filters: 4, kernel: 3, stride: 1, padding: 'same', bias: true },
    { kind: 'relu' },
  ],
  relu6: [
    { kind: 'conv2d', filters: 4, kernel: 3, stride: 1, padding: 'same', bias: true },
    { kind: 'relu6' },
  ],
  'maxPool, same': [
    { kind: 'conv2d', filters: 4, kernel: 3, stride: 1, padding: 'same', bias: true },
    { kind: 'maxPool', size: 2, stride: 2, padding: 'same' },
  ],
  'averagePool, same': [
    { kind: 'conv2d', filters: 4, kernel: 3, stride: 1, padding: 'same', bias: true },
    { kind: 'averagePool', size: 3, stride: 2, padding: 'same' },
  ],
  'averagePool, valid': [
    { kind: 'conv2d', filters: 4, kernel: 3, stride: 1, padding: 'same', bias: true },
    { kind: 'averagePool', size: 2, stride: 2, padding: 'valid' },
  ],
  globalAveragePool: [
    { kind: 'conv2d', filters: 4, kernel: 3, stride: 1, padding: 'same', bias: true },
    { kind: 'globalAveragePool' },
  ],
  'residual, identity': [
    { kind: 'conv2d', filters: 4, kernel: 3, stride: 1, padding: 'same', bias: true },
    {
      kind: 'residual',
      body: [
        { kind: 'relu' },
        { kind: 'conv2d', filters: 4, kernel: 3, stride: 1, padding: 'same', bias: true },
      ],
      shortcut: [],
    },
  ],
  'residual, projection': [
    {
      kind: 'residual',
      body: [
        { kind: 'conv2d', filters: 6, kernel: 3, stride: 2, padding: 'same', bias: false },
        { kind: 'groupNorm', groups: 3, epsilon: 1e-3 },
      ],
      shortcut: [{ kind: 'conv2d', filters: 6, kernel: 1, stride: 2, padding: 'same', bias: true }],
    },
  ],
}

for (const [name, body] of Object.entries(layers)) {
  gradients(`${name}: agrees with central differences`, () => {
    const description: Description = { input: image, layers: [...body, ...head], classes: 3 }
    assert.ok(differenceError(description) < TOLERANCE)
  })
}

function lossOf({ losses }: ReturnType<typeof referenceGradient>): number {
  return losses.reduce((sum, loss) => sum + loss, 0)
}

/**
 * Relative L2 error of the gradient of every weight. Ten samples, so that the
 * chunked path has a whole chunk and a rest; three shards for batch norm.
 */
function differenceError(description: Description): number {
  const { tensors, weightSize, stateSize } = describeTensors(description)
  const next = numbers(11)
  const state = Float64Array.from({ length: stateSize }, () => next() * 0.8)
  const inputs = Float64Array.from({ length: 10 * 120 }, () => next() * 2)
  const labels = Uint8Array.from({ length: 10 }, (_, sample) => sample % 3)
  const lossAndSum = (): ReturnType<typeof referenceGradient> =>
    referenceGradient(description, tensors, state, inputs, labels, [0, 4, 8, 10])
  const { sum } = lossAndSum()
  let error = 0
  let norm = 0
  for (let weight = 0; weight < weightSize; weight++) {
    const value = state[weight]
    state[weight] = value + STEP
    const above = lossOf(lossAndSum())
    state[weight] = value - STEP
    const below = lossOf(lossAndSum())
    state[weight] = value
    const difference = (above - below) / (2 * STEP)
    error += (sum[weight] - difference) ** 2
    norm += difference ** 2
  }
  assert.ok(norm > 0.01, 'the gradient must not vanish, or the test shows nothing')
  return Math.sqrt(error / norm)
}

gradients('same padding: more behind than before, worked out by hand', () => {
  const { description, tensors } = oneByOne([1, 4, 1], {
    kind: 'conv2d',
    filters: 2,
    kernel: 2,
    stride: 1,
    padding: 'same',
    bias: false,
  })
  // kernel [2, 2, 1, 2]: filter 0 reads the pixel to the right, filter 1 nothing
  const state = Float64Array.of(0, 0, 1, 0, 0, 0, 0, 0)
  const inputs = Float64Array.of(1, 2, 3, 4)
  // mean of (2, 3, 4, padding 0) is 2.25
  const lossSum = lossOf(referenceGradient(description, tensors, state, inputs, label(0), [0, 1]))
  assert.ok(Math.abs(lossSum - Math.log(1 + Math.exp(-2.25))) < 1e-12)
})

gradients('average pool: padding is not averaged, worked out by hand', () => {
  const pool: LayerDescription = { kind: 'averagePool', size: 2, stride: 2, padding: 'same' }
  const { description, tensors } = oneByOne([1, 3, 2], pool)
  const inputs = Float64Array.of(1, 0, 2, 0, 6, 0)
  // windows (1, 2) and (6 alone): mean of 1.5 and 6 is 3.75
  const none = new Float64Array(0)
  const lossSum = lossOf(referenceGradient(description, tensors, none, inputs, label(1), [0, 1]))
  assert.ok(Math.abs(lossSum - Math.log(1 + Math.exp(3.75))) < 1e-12)
})

gradients('batch norm: statistics are per shard, biased, weighted by samples', () => {
  const norm: LayerDescription = { kind: 'batchNorm', epsilon: 1, momentum: 0.1 }
  const description: Description = { input: [2], layers: [norm], classes: 2 }
  assert.ok(couplesSamples(description))
  const { tensors, stateSize } = describeTensors(description)
  const state = new Float64Array(stateSize).fill(1)
  const inputs = Float64Array.of(1, 0, 3, 0, 5, 0)
  const labels = Uint8Array.of(0, 0, 1)
  const { sum } = referenceGradient(description, tensors, state, inputs, labels, [0, 2, 3])
  // shards (1, 3) and (5): means 2 and 5, variances 1 and 0
  assert.equal(Array.from(sum.subarray(4)), [2 * 2 + 1 * 5, 0, 2 * 1, 0])
})

gradients('group norm: groups are consecutive channels', () => {
  const norm: LayerDescription = { kind: 'groupNorm', groups: 2, epsilon: 0 }
  const description: Description = { input: [4], layers: [norm], classes: 4 }
  const { tensors } = describeTensors(description)
  const state = Float64Array.of(1, 1, 1, 1, 0, 0, 0, 0)
  const inputs = Float64Array.of(1, 3, 100, 300)
  // both groups become (−1, 1)
  const lossSum = lossOf(referenceGradient(description, tensors, state, inputs, label(1), [0, 1]))
  const expected = Math.log(2 * Math.E + 2 / Math.E) - 1
  assert.ok(Math.abs(lossSum - expected) < 1e-12)
})

gradients('tensors that do not fit the model are refused by name', () => {
  const description: Description = { input: [2], layers: [head[1]], classes: 3 }
  const { tensors, stateSize } = describeTensors(description)
  const state = new Float64Array(stateSize)
  const run = (changed: typeof tensors) => (): unknown =>
    referenceGradient(description, changed, state, Float64Array.of(1, 2), label(0), [0, 1])
  assert.throws(run(tensors.slice(0, 1)), /0\.dense\. needs weight tensors of sizes 6, 3/)
  const stray = { ...tensors[0], name: '7.dense.kernel' }
  assert.throws(run([...tensors, stray]), /7\.dense\.kernel belongs to no layer/)
})

/** A layer, then the mean over positions as two logits. */
function oneByOne(
  input: number[],
  layer: LayerDescription,
): { description: Description; tensors: ReturnType<typeof describeTensors>['tensors'] } {
  const description: Description = {
    input,
    layers: [layer, { kind: 'globalAveragePool' }],
    classes: 2,
  }
  return { description, tensors: describeTensors(description).tensors }
}

function label(value: number): Uint8Array {
  return Uint8Array.of(value)
}

gradients.run()
