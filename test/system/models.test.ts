import {
  averagePool,
  batchNorm,
  conv2d,
  defineModel,
  dense,
  depthwiseConv2d,
  flatten,
  globalAveragePool,
  maxPool,
  relu,
  relu6,
  residual,
  type Task,
} from '@kaitian/train'
import { cutBuckets } from '@kaitian/train/step'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth } from '../depth.js'
import { groupsOf, smallTask, tryRun } from '../train/try-run.js'

const test = suite('models')

/** Batch norm couples the samples of a shard, so each shard is a pass of its own. */
const mobile: Task = {
  ...smallTask,
  name: 'mobile',
  model: {
    input: [32, 32, 3],
    classes: 10,
    layers: [
      conv2d({ filters: 8, stride: 2 }),
      batchNorm(),
      relu6(),
      residual([depthwiseConv2d(), batchNorm(), relu6(), conv2d({ filters: 8, kernel: 1 })]),
      maxPool({ size: 2 }),
      residual(
        [conv2d({ filters: 16, stride: 2 }), batchNorm()],
        [conv2d({ filters: 16, kernel: 1, stride: 2 })],
      ),
      relu(),
      averagePool({ size: 2 }),
      flatten(),
      dense({ units: 10 }),
    ],
  },
  epochs: 1,
}

test('S5 T1 batch norm, depthwise and residual layers pass the checker for any split', async () => {
  const run = async (counts: number[], deterministic: boolean) => {
    const options = { groups: groupsOf('tfjs', counts), seed: 2, deterministic }
    const { summary, verdict } = await tryRun({ options, task: mobile, sampleEvery: 3 })
    assert.ok(
      verdict.ok,
      JSON.stringify(verdict.checks.filter(({ failures }) => failures.length > 0)),
    )
    return Object.values(summary.digests)[0]
  }
  if (depth({ cut: false, full: true })) await run([2, 1], false)
  assert.is(await run([2, 2], true), await run([1], true))
})

/** Three buckets: the tail with the second dense kernel, the first dense kernel, the convolution. */
const wide: Task = {
  ...smallTask,
  name: 'wide',
  model: {
    input: [32, 32, 3],
    classes: 10,
    layers: [
      conv2d({ filters: 8, stride: 2 }),
      relu(),
      averagePool({ size: 2 }),
      flatten(),
      dense({ units: 160 }),
      relu(),
      dense({ units: 480 }),
      relu(),
      dense({ units: 10 }),
    ],
  },
  epochs: 1,
}

test('S5 C2 a gradient of several buckets is whole before anybody uses it', async () => {
  const { layout } = defineModel(wide.model)
  assert.ok(cutBuckets(layout, 65_536).length >= 3)
  const run = async (counts: number[], deterministic: boolean) => {
    const options = { groups: groupsOf('tfjs', counts), seed: 3, deterministic, evaluate: false }
    const { summary, verdict } = await tryRun({ options, task: wide, sampleEvery: 2 })
    assert.ok(verdict.ok, JSON.stringify(verdict.checks.filter(({ failures }) => failures.length)))
    return Object.values(summary.digests)[0]
  }
  if (depth({ cut: false, full: true })) await run([2, 2], false)
  assert.is(await run([2, 1], true), await run([1], true))
})

test('a model whose statistics drift is evaluated with the running ones', async () => {
  const { summary } = await tryRun({
    options: { groups: groupsOf('tfjs', [1]), seed: 2 },
    task: {
      ...mobile,
      model: {
        ...mobile.model,
        layers: [
          conv2d({ filters: 8, stride: 2 }),
          batchNorm(),
          relu(),
          globalAveragePool(),
          dense({ units: 10 }),
        ],
      },
    },
  })
  const [epoch] = summary.epochs
  assert.is(epoch.test?.samples, 130)
  assert.ok(Number.isFinite(epoch.test?.loss))
})

test.run()
