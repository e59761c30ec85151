import { seededRandom, systemClock } from '@kaitian/actors'
import { openTfjsEngine } from '@kaitian/train/engines/tfjs'
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
  initialWeights,
  maxPool,
  relu,
  relu6,
  residual,
  type Layer,
  type Model,
} from '@kaitian/train/model'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { referenceForward, referenceGradient, relativeError } from './reference.js'

const test = suite('engines/tfjs gradients against fp64 central differences')

const CLASSES = 3

/** Ends any chain of layers in logits. */
const head: Layer[] = [flatten(), dense({ units: CLASSES })]

const cases: [string, number[], Layer[]][] = [
  ['dense', [7], [dense({ units: CLASSES })]],
  ['two dense, relu', [5], [dense({ units: 9, bias: false }), relu(), ...head.slice(1)]],
  ['conv', [5, 6, 3], [conv2d({ filters: 4 }), ...head]],
  ['conv, bias, relu', [5, 5, 2], [conv2d({ filters: 3, bias: true }), relu(), ...head]],
  [
    'conv stride 2',
    [7, 6, 3],
    [conv2d({ filters: 8 }), conv2d({ filters: 5, stride: 2 }), ...head],
  ],
  [
    'conv valid',
    [6, 7, 2],
    [conv2d({ filters: 4 }), conv2d({ filters: 2, padding: 'valid' }), ...head],
  ],
  ['conv 1×1', [4, 4, 3], [conv2d({ filters: 4 }), conv2d({ filters: 6, kernel: 1 }), ...head]],
  [
    'conv even kernel',
    [5, 5, 2],
    [conv2d({ filters: 4 }), conv2d({ filters: 3, kernel: 2 }), ...head],
  ],
  [
    'conv 5×5 stride 3',
    [8, 8, 1],
    [conv2d({ filters: 4 }), conv2d({ filters: 3, kernel: 5, stride: 3 }), ...head],
  ],
  ['depthwise', [5, 5, 3], [conv2d({ filters: 4 }), depthwiseConv2d({ bias: true }), ...head]],
  [
    'depthwise stride 2',
    [6, 5, 3],
    [conv2d({ filters: 3 }), depthwiseConv2d({ stride: 2 }), ...head],
  ],
  ['group norm', [4, 4, 2], [conv2d({ filters: 6 }), groupNorm({ groups: 3 }), ...head]],
  [
    'group norm, relu6',
    [4, 4, 2],
    [conv2d({ filters: 8 }), groupNorm({ groups: 2 }), relu6(), ...head],
  ],
  [
    'group norm of 16',
    [3, 3, 2],
    [conv2d({ filters: 16 }), groupNorm({ groups: 4 }), relu(), ...head],
  ],
  [
    'group norm of features',
    [6],
    [dense({ units: 8 }), groupNorm({ groups: 2 }), ...head.slice(1)],
  ],
  ['batch norm', [4, 4, 2], [conv2d({ filters: 5 }), batchNorm(), ...head]],
  ['batch norm, relu', [4, 4, 2], [conv2d({ filters: 4 }), batchNorm(), relu(), ...head]],
  ['max pool', [6, 6, 2], [conv2d({ filters: 4 }), maxPool(), ...head]],
  [
    'max pool overlapping',
    [7, 7, 2],
    [conv2d({ filters: 3 }), maxPool({ size: 3, stride: 2, padding: 'same' }), ...head],
  ],
  ['average pool', [6, 6, 2], [conv2d({ filters: 4 }), averagePool(), ...head]],
  [
    'average pool at the edge',
    [5, 5, 2],
    [conv2d({ filters: 3 }), averagePool({ size: 3, stride: 2, padding: 'same' }), ...head],
  ],
  [
    'global average',
    [4, 5, 2],
    [conv2d({ filters: 5 }), globalAveragePool(), dense({ units: CLASSES })],
  ],
  [
    'identity residual',
    [4, 4, 2],
    [conv2d({ filters: 4 }), residual([conv2d({ filters: 4 }), relu()]), ...head],
  ],
  [
    'residual with shortcut',
    [4, 4, 2],
    [
      residual([conv2d({ filters: 4, stride: 2 })], [conv2d({ filters: 4, kernel: 1, stride: 2 })]),
      ...head,
    ],
  ],
  [
    'residual of a max pool',
    [4, 4, 2],
    [
      conv2d({ filters: 4 }),
      residual([maxPool({ size: 2, stride: 1, padding: 'same' })]),
      relu(),
      ...head,
    ],
  ],
  [
    'nested residuals',
    [4, 4, 2],
    [
      conv2d({ filters: 4 }),
      residual([
        residual([conv2d({ filters: 4 }), batchNorm(), relu6()]),
        groupNorm({ groups: 1 }),
      ]),
      ...head,
    ],
  ],
  [
    'pool before the first weights',
    [6, 6, 2],
    [averagePool(), relu(), conv2d({ filters: 2 }), ...head],
  ],
]

for (const [name, input, layers] of cases) {
  test(name, async () => {
    const model = defineModel({ input, layers, classes: CLASSES })
    const state = perturbed(model)
    const batch = randomBatch(model, 5)
    const engine = await openTfjsEngine({
      model,
      clock: systemClock,
      device: 'cpu:0',
      settings: {},
    })
    engine.load(state)
    const into = new Float32Array(model.layout.stateSize).fill(NaN)
    const marks: number[] = []
    const result = engine.gradient(batch, into, (from) => marks.push(from))
    const reference = referenceForward(model, Float64Array.from(state), batch)
    assert.ok(relativeError(into, referenceGradient(model, state, batch)) < 1e-5)
    assert.ok(Math.abs(result.lossSum / reference.lossSum - 1) < 1e-5)
    assert.is(result.correct, reference.correct)
    assertFalling(marks)

    const evaluation = engine.evaluate(batch)
    const expected = referenceForward(model, Float64Array.from(state), batch, false)
    assert.ok(Math.abs(evaluation.lossSum / expected.lossSum - 1) < 1e-5)
    engine.dispose()
  })
}

/** Initial weights with biases and statistics that are not 0 and 1. */
function perturbed(model: Model): Float32Array {
  const random = seededRandom('perturbed')
  return initialWeights(model, 3).map((value) => value + 0.2 * random.next())
}

function randomBatch(model: Model, count: number) {
  const random = seededRandom('batch')
  const size = model.description.input.reduce((a, b) => a * b)
  return {
    count,
    inputs: Float32Array.from({ length: count * size }, () => random.normal()),
    labels: Uint8Array.from({ length: count }, () => random.integer(CLASSES)),
    ids: Uint32Array.from({ length: count }, (_, i) => i),
  }
}

function assertFalling(marks: number[]): void {
  assert.is(marks.at(-1), 0)
  for (let i = 1; i < marks.length; i++) assert.ok(marks[i] < marks[i - 1])
}

test.run()
