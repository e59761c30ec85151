import { seededRandom } from '@kaitian/actors'
import { groupNormOp, registerTrainingKernels } from '@kaitian/train/engines/tfjs'
import * as tf from '@tensorflow/tfjs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { relativeError } from './reference.js'

const test = suite('engines/tfjs kernels in stock tf.grads against the cpu back end')

const LIMIT = 1e-5

type Op = (...inputs: tf.Tensor[]) => tf.Tensor

/** Gradients of Σ (y · r), r random, for each input; on one back end. */
async function gradientsOn(backend: string, op: Op, shapes: number[][], shift: number) {
  await tf.setBackend(backend)
  const random = seededRandom('kernels')
  const values = (size: number) =>
    Float32Array.from({ length: size }, () => random.normal() + shift)
  const inputs = shapes.map((shape) => tf.tensor(values(tf.util.sizeFromShape(shape)), shape))
  const weigh = (y: tf.Tensor) => tf.sum(tf.mul(y, tf.tensor(values(y.size), y.shape)))
  const grads = tf.grads((...xs: tf.Tensor[]) => weigh(op(...xs)))(inputs)
  return grads.map((gradient) => gradient.dataSync())
}

function compare(name: string, op: Op, shapes: number[][], { shift = 0, cpu = op } = {}): void {
  test(name, async () => {
    const expected = await gradientsOn('cpu', cpu, shapes, shift)
    const actual = await gradientsOn('wasm', op, shapes, shift)
    expected.forEach((gradient, i) => {
      const error = relativeError(actual[i], gradient)
      assert.ok(error < LIMIT, `input ${i}: relative error ${error}`)
    })
  })
}

test.before(() => registerTrainingKernels())

const conv =
  (strides: number | [number, number], pad: 'same' | 'valid'): Op =>
  (x, filter) =>
    tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad)

compare('conv2d', conv(1, 'same'), [
  [2, 7, 6, 3],
  [3, 3, 3, 5],
])
compare('conv2d of many channels', conv(1, 'same'), [
  [3, 8, 8, 32],
  [3, 3, 32, 24],
])
compare('conv2d stride 2', conv(2, 'same'), [
  [2, 7, 8, 4],
  [3, 3, 4, 8],
])
compare('conv2d valid', conv(1, 'valid'), [
  [2, 7, 7, 4],
  [3, 3, 4, 6],
])
compare('conv2d not square', conv([1, 2], 'same'), [
  [2, 6, 9, 3],
  [2, 5, 3, 4],
])
compare('conv2d 1×1', conv(1, 'same'), [
  [2, 4, 4, 8],
  [1, 1, 8, 3],
])

const depthwise =
  (strides: number, pad: 'same' | 'valid'): Op =>
  (x, filter) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad)

compare('depthwise', depthwise(1, 'same'), [
  [2, 6, 6, 8],
  [3, 3, 8, 1],
])
compare('depthwise stride 2, odd channels', depthwise(2, 'valid'), [
  [2, 7, 7, 5],
  [3, 3, 5, 1],
])

for (const [left, right] of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
]) {
  const shapes = [left ? [300, 7] : [7, 300], right ? [10, 300] : [300, 10]]
  const op: Op = (a, b) => tf.matMul(a, b, left, right)
  compare(`matMul${left ? ' aᵀ' : ''}${right ? ' bᵀ' : ''}`, op, shapes)
}
const stacked: Op = (a, b) => tf.matMul(a, b, false, true)
compare('matMul of stacks', stacked, [
  [3, 2, 4, 5],
  [3, 2, 6, 5],
])

const maxPool: Op = (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 'same')
compare('max pool', maxPool, [[2, 7, 7, 4]])
compare('max pool where every value is negative', maxPool, [[2, 7, 7, 5]], { shift: -10 })
compare('average pool', (x) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'valid'), [[2, 6, 6, 3]])

/** Group norm of stock ops. */
function plainGroupNorm(groups: number): Op {
  return (x, scale, bias) => {
    const [count, height, width, channels] = x.shape
    const split = tf.reshape(x, [count, height * width, groups, channels / groups])
    const { mean, variance } = tf.moments(split, [1, 3], true)
    const normal = tf.mul(tf.sub(split, mean), tf.rsqrt(tf.add(variance, 1e-5)))
    return tf.relu6(tf.add(tf.mul(tf.reshape(normal, x.shape), scale), bias))
  }
}

const fusedGroupNorm: Op = (x, scale, bias) =>
  groupNormOp(x, scale, bias, { groups: 4, activation: 'relu6' })
for (const channels of [16, 8, 12]) {
  compare(
    `group norm of ${channels} channels with relu6`,
    fusedGroupNorm,
    [[3, 5, 4, channels], [channels], [channels]],
    { cpu: plainGroupNorm(4) },
  )
}

test('max pool gives the gradient of equal values to the first', async () => {
  const gradients: number[][] = []
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend)
    const gradient = tf.grad((x) => tf.sum(maxPool(x)))(tf.ones([1, 5, 5, 4]))
    gradients.push([...gradient.dataSync()])
  }
  assert.equal(gradients[1], gradients[0])
})

test('group norm without a tape or a tidy leaves only its output', async () => {
  await tf.setBackend('wasm')
  const [x, vector] = [tf.ones([2, 3, 3, 4]), tf.ones([4])]
  const before = tf.memory().numTensors
  groupNormOp(x, vector, vector, { groups: 2 })
  assert.is(tf.memory().numTensors, before + 1)
})

test('no tensor is left behind', async () => {
  await tf.setBackend('wasm')
  const inputs = [tf.ones([2, 6, 6, 4]), tf.ones([3, 3, 4, 4]), tf.ones([4]), tf.ones([4])]
  const step = () =>
    tf.tidy(() => {
      const layer = (x: tf.Tensor, filter: tf.Tensor, scale: tf.Tensor, bias: tf.Tensor) =>
        tf.sum(maxPool(groupNormOp(conv(1, 'same')(x, filter), scale, bias, { groups: 2 })))
      tf.grads(layer)(inputs)
    })
  step()
  const before = tf.memory()
  for (let i = 0; i < 5; i++) step()
  assert.is(tf.memory().numTensors, before.numTensors)
  assert.is(tf.memory().numDataBuffers, before.numDataBuffers)
})

test.run()
