import {
  batchNorm,
  conv2d,
  defineModel,
  dense,
  flatten,
  initialWeights,
  relu,
  type Model,
} from '@kaitian/train/model'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('model/weights')

const layers = [conv2d({ filters: 64 }), batchNorm(), relu(), flatten(), dense({ units: 10 })]
const model = defineModel({ input: [8, 8, 16], layers, classes: 10 })

function tensor(of: Model, state: Float32Array, name: string): Float32Array {
  const slot = of.layout.tensors.find((each) => each.name === name)
  if (slot === undefined) throw new Error(`no tensor ${name}`)
  return state.slice(slot.offset, slot.offset + slot.size)
}

test('kernels have mean 0 and variance 2 / fan-in', () => {
  const kernel = tensor(model, initialWeights(model, 7), '0.conv2d.kernel')
  const mean = kernel.reduce((sum, value) => sum + value, 0) / kernel.length
  const variance = kernel.reduce((sum, value) => sum + value * value, 0) / kernel.length
  assert.is(kernel.length, 9216)
  assert.ok(Math.abs(mean) < 4 * Math.sqrt(2 / 144 / 9216), `mean ${mean}`)
  assert.ok(Math.abs(variance * 72 - 1) < 0.06, `variance × 72 is ${variance * 72}`)
})

test('scales and variances start at 1, biases and means at 0', () => {
  const state = initialWeights(model, 7)
  assert.ok(tensor(model, state, '1.batchNorm.scale').every((value) => value === 1))
  assert.ok(tensor(model, state, '1.batchNorm.variance').every((value) => value === 1))
  for (const name of ['1.batchNorm.bias', '1.batchNorm.mean', '4.dense.bias']) {
    assert.ok(tensor(model, state, name).every((value) => value === 0))
  }
})

test('the same seed gives the same bits, another seed others', () => {
  assert.equal(initialWeights(model, 7), initialWeights(model, 7))
  assert.not.equal(initialWeights(model, 7), initialWeights(model, 8))
})

test("a tensor's values depend on its name, not on what lies around it", () => {
  const taller = defineModel({
    input: [8, 8, 16],
    layers: [...layers.slice(0, 3), conv2d({ filters: 8 }), flatten(), dense({ units: 10 })],
    classes: 10,
  })
  const name = '0.conv2d.kernel'
  assert.equal(
    tensor(model, initialWeights(model, 1), name),
    tensor(taller, initialWeights(taller, 1), name),
  )
})

test.run()
