import { KaitianError } from '@kaitian/errors'
import {
  averagePool,
  batchNorm,
  conv2d,
  defineModel,
  dense,
  depthwiseConv2d,
  flatten,
  globalAveragePool,
  groupNorm,
  maxPool,
  relu,
  relu6,
  residual,
  type Layer,
} from '@kaitian/train/model'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('model/define')

const head: Layer[] = [globalAveragePool(), dense({ units: 10 })]

function images(layers: Layer[]) {
  return defineModel({ input: [32, 32, 3], layers, classes: 10 })
}

test('a tensor lies behind the one before it, statistics behind all weights', () => {
  const model = images([conv2d({ filters: 4 }), batchNorm(), relu(), ...head])
  const names = model.layout.tensors.map(({ name, offset, size }) => `${name} ${offset} ${size}`)
  assert.equal(names, [
    '0.conv2d.kernel 0 108',
    '1.batchNorm.scale 108 4',
    '1.batchNorm.bias 112 4',
    '4.dense.kernel 116 40',
    '4.dense.bias 156 10',
    '1.batchNorm.mean 166 4',
    '1.batchNorm.variance 170 4',
  ])
  assert.is(model.layout.weightSize, 166)
  assert.is(model.layout.stateSize, 174)
})

test('layers inside a residual carry their path', () => {
  const block = residual(
    [conv2d({ filters: 8, stride: 2 }), groupNorm({ groups: 2 }), relu6(), depthwiseConv2d()],
    [averagePool(), conv2d({ filters: 8, kernel: 1 })],
  )
  const names = images([block, ...head]).layout.tensors.map(({ name }) => name)
  assert.equal(names.slice(0, 5), [
    '0.residual.body.0.conv2d.kernel',
    '0.residual.body.1.groupNorm.scale',
    '0.residual.body.1.groupNorm.bias',
    '0.residual.body.3.depthwiseConv2d.kernel',
    '0.residual.shortcut.1.conv2d.kernel',
  ])
})

test('only batch norm couples samples, also inside a residual', () => {
  assert.is(
    images([conv2d({ filters: 4 }), groupNorm({ groups: 2 }), ...head]).couplesSamples,
    false,
  )
  assert.is(images([residual([batchNorm()]), ...head]).couplesSamples, true)
})

test('multiply-adds count convolutions and dense layers', () => {
  const model = images([
    conv2d({ filters: 16, stride: 2 }),
    maxPool(),
    flatten(),
    dense({ units: 10 }),
  ])
  assert.is(model.multiplyAdds, 16 * 16 * 16 * 27 + 8 * 8 * 16 * 10)
})

const refused: [string, Layer[], RegExp][] = [
  ['dense on an image', [dense({ units: 10 })], /0\.dense.*flatten\(\)/],
  ['conv on features', [flatten(), conv2d({ filters: 2 }), ...head], /1\.conv2d.*\[3072\]/],
  ['fractional filters', [conv2d({ filters: 2.5 }), ...head], /0\.conv2d: filters/],
  ['stride zero', [conv2d({ filters: 2, stride: 0 }), ...head], /stride/],
  ['window too large', [maxPool({ size: 33 }), ...head], /33×33 window does not fit/],
  ['groups that do not divide', [groupNorm({ groups: 2 }), ...head], /2 groups do not divide 3/],
  ['epsilon zero', [groupNorm({ groups: 1, epsilon: 0 }), ...head], /epsilon/],
  ['momentum above one', [batchNorm({ momentum: 1.5 }), ...head], /momentum/],
  ['empty body', [residual([]), ...head], /body/],
  [
    'branches that differ',
    [residual([conv2d({ filters: 4 })]), ...head],
    /0\.residual: the body ends/,
  ],
  ['wrong number of classes', [flatten(), dense({ units: 9 })], /10 classes/],
  ['unknown kind', [{ kind: 'lstm' } as unknown as Layer, ...head], /0\.lstm: this kind/],
  ['no layers', [], /at least one layer/],
  ['a hole', [undefined as unknown as Layer], /unknown/],
]

for (const [situation, layers, message] of refused) {
  test(`refuses ${situation} as BAD_MODEL and says where`, () => {
    assert.throws(
      () => images(layers),
      (error: unknown) =>
        error instanceof KaitianError && error.code === 'BAD_MODEL' && message.test(error.message),
    )
  })
}

test('refuses classes that a label byte cannot hold', () => {
  const layers = [dense({ units: 300 })]
  assert.throws(() => defineModel({ input: [4], layers, classes: 300 }), /between 2 and 256/)
})

test.run()
