import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { assembleKernels } from '@kaitian/train/engines/tfjs'
import { KaitianError } from '@kaitian/errors'
import {
  conv2d,
  defineModel,
  dense,
  flatten,
  globalAveragePool,
  initialWeights,
} from '@kaitian/train/model'
import * as tf from '@tensorflow/tfjs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  gradientBits,
  gradientOf,
  mixedModel,
  openEngine,
  randomBatch,
  type Work,
} from './fixtures.js'
import { relativeError } from './reference.js'

const test = suite('engines/tfjs')

const { stateSize, tensors } = mixedModel.layout

async function inThread(work: Work): Promise<Uint8Array> {
  const worker = new Worker(new URL('./gradient-worker.js', import.meta.url), { workerData: work })
  const [bits] = (await once(worker, 'message')) as [Uint8Array]
  await once(worker, 'exit')
  return bits
}

test('S5 two engines in two threads and one in this give the same bits', async () => {
  const work = { count: 9, seed: 4 }
  const [first, second, here] = await Promise.all([
    inThread(work),
    inThread(work),
    gradientBits(work),
  ])
  assert.equal(first, here)
  assert.equal(second, here)
})

test('bits depend on parameters and batch alone, not on the steps before', async () => {
  const engine = await openEngine(mixedModel)
  const batch = randomBatch(mixedModel, 8)
  const first = gradientOf(engine, mixedModel, batch)
  gradientOf(engine, mixedModel, randomBatch(mixedModel, 13, 'other'))
  engine.evaluate(randomBatch(mixedModel, 5, 'third'))
  engine.load(initialWeights(mixedModel, 2))
  gradientOf(engine, mixedModel, batch)
  engine.load(initialWeights(mixedModel, 1))
  assert.equal(gradientOf(engine, mixedModel, batch), first)
  engine.dispose()
})

test('new parameters take effect at once: no packed kernel is stale', async () => {
  const engine = await openEngine(mixedModel, 1)
  const batch = randomBatch(mixedModel, 4)
  gradientOf(engine, mixedModel, batch)
  engine.load(initialWeights(mixedModel, 2))
  const changed = gradientOf(engine, mixedModel, batch)
  const fresh = await openEngine(mixedModel, 2)
  assert.equal(changed, gradientOf(fresh, mixedModel, batch))
  engine.dispose()
  fresh.dispose()
})

test('the gradient of a batch is the sum of those of its parts', async () => {
  const engine = await openEngine(mixedModel)
  const batch = randomBatch(mixedModel, 11)
  const sum = new Float64Array(stateSize)
  const losses = { lossSum: 0, correct: 0 }
  for (const [from, to] of [
    [0, 4],
    [4, 8],
    [8, 11],
  ]) {
    const part = {
      count: to - from,
      inputs: batch.inputs.subarray(from * 768, to * 768),
      labels: batch.labels.subarray(from, to),
      ids: batch.ids.subarray(from, to),
    }
    const into = new Float32Array(stateSize)
    const result = engine.gradient(part, into, () => {})
    into.forEach((value, i) => (sum[i] += value))
    losses.lossSum += result.lossSum
    losses.correct += result.correct
  }
  const whole = new Float32Array(stateSize)
  const result = engine.gradient(batch, whole, () => {})
  assert.ok(relativeError(whole, sum) < 1e-5)
  assert.is(result.correct, losses.correct)
  assert.ok(Math.abs(result.lossSum - losses.lossSum) < 1e-12 * losses.lossSum)
  engine.dispose()
})

test('ready falls tensor by tensor, and what is ready does not change any more', async () => {
  const engine = await openEngine(mixedModel)
  const batch = randomBatch(mixedModel, 6)
  const final = gradientOf(engine, mixedModel, batch)
  const into = new Float32Array(stateSize).fill(NaN)
  const marks: number[] = []
  engine.gradient(batch, into, (from) => {
    assert.equal(into.subarray(from), final.subarray(from))
    assert.ok(from === 0 || Number.isNaN(into[from - 1]), 'told as soon as it is written')
    marks.push(from)
  })
  // the layers with weights, last first: one call for each
  const first = tensors.filter(({ name }) => /kernel|scale/.test(name)).map(({ offset }) => offset)
  assert.equal(marks, first.toReversed())
  engine.dispose()
})

test('memory is bounded: no tensor, and no growth of the heap once shapes are known', async () => {
  await tf.setBackend('cpu')
  const before = tf.memory().numTensors
  const engine = await openEngine(mixedModel)
  const batches = [16, 5, 11, 16, 7].map((count) => randomBatch(mixedModel, count))
  const weights = [1, 2].map((seed) => initialWeights(mixedModel, seed))
  const round = () =>
    batches.forEach((batch, i) => {
      engine.load(weights[i % 2])
      gradientOf(engine, mixedModel, batch)
      engine.evaluate(batch)
    })
  for (let i = 0; i < 3; i++) round()
  const heapBytes = engine.heapBytes
  for (let i = 0; i < 40; i++) round()
  assert.is(engine.heapBytes, heapBytes)
  assert.is(tf.memory().numTensors, before)
  engine.dispose()
})

test('buffers of shapes that do not come back are freed', async () => {
  const engine = await openEngine(mixedModel)
  gradientOf(engine, mixedModel, randomBatch(mixedModel, 64))
  const two = 2 * engine.heapBytes
  for (let count = 64; count > 0; count--) {
    gradientOf(engine, mixedModel, randomBatch(mixedModel, count))
  }
  assert.ok(engine.heapBytes <= two, `${engine.heapBytes} bytes of heap, ${two} allowed`)
  engine.dispose()
})

test('a heap that grows in the middle of a step does not harm it', async () => {
  const model = defineModel({
    input: [32, 32, 8],
    layers: [conv2d({ filters: 32 }), conv2d({ filters: 4 }), flatten(), dense({ units: 3 })],
    classes: 3,
  })
  const engine = await openEngine(model)
  const batch = randomBatch(model, 160)
  const before = engine.heapBytes
  const grown = gradientOf(engine, model, batch)
  assert.ok(engine.heapBytes > before, 'the heap grew')
  assert.equal(gradientOf(engine, model, batch), grown)
  engine.dispose()
})

test('a batch that memory cannot hold is refused, and the engine goes on', async () => {
  const model = defineModel({
    input: [128, 128, 1],
    layers: [conv2d({ filters: 256 }), globalAveragePool(), dense({ units: 3 })],
    classes: 3,
  })
  const engine = await openEngine(model)
  const small = randomBatch(model, 1)
  const before = gradientOf(engine, model, small)
  assert.throws(
    () => gradientOf(engine, model, randomBatch(model, 260)),
    (error: unknown) => error instanceof KaitianError && error.code === 'OUT_OF_MEMORY',
  )
  assert.equal(gradientOf(engine, model, small), before)
  engine.dispose()
})

test('an empty share contributes zeros and count 0', async () => {
  const engine = await openEngine(mixedModel)
  const into = new Float32Array(stateSize).fill(NaN)
  const marks: number[] = []
  const result = engine.gradient(randomBatch(mixedModel, 0), into, (from) => marks.push(from))
  assert.equal(result, { count: 0, lossSum: 0, correct: 0 })
  assert.equal(marks, [0])
  assert.ok(into.every((value) => value === 0))
  engine.dispose()
})

test('writes into shared memory', async () => {
  const engine = await openEngine(mixedModel)
  const batch = randomBatch(mixedModel, 3)
  const shared = new Float32Array(new SharedArrayBuffer(stateSize * 4))
  engine.gradient(batch, shared, () => {})
  assert.equal([...shared], [...gradientOf(engine, mixedModel, batch)])
  engine.dispose()
})

test('logits do not depend on how a batch is split for evaluation', async () => {
  const engine = await openEngine(mixedModel)
  const batch = randomBatch(mixedModel, 150)
  const whole = engine.evaluate(batch)
  let lossSum = 0
  for (let i = 0; i < batch.count; i++) {
    lossSum += engine.evaluate({
      count: 1,
      inputs: batch.inputs.subarray(i * 768, (i + 1) * 768),
      labels: batch.labels.subarray(i, i + 1),
      ids: batch.ids.subarray(i, i + 1),
    }).lossSum
  }
  assert.ok(Math.abs(whole.lossSum - lossSum) < 1e-9 * lossSum)
  engine.dispose()
})

test('leaves the process handlers and the back end of the program alone', async () => {
  await tf.setBackend('cpu')
  const listeners = () =>
    ['uncaughtException', 'unhandledRejection', 'newListener'].map((event) =>
      process.listenerCount(event),
    )
  const before = listeners()
  const opening = openEngine(mixedModel)
  // Another part of the program does what Emscripten does, in the same moment.
  const own = (error: Error): void => {
    throw error
  }
  process.on('uncaughtException', own)
  const engine = await opening
  assert.ok(process.listeners('uncaughtException').includes(own))
  process.removeListener('uncaughtException', own)
  assert.equal(listeners(), before)
  assert.is(tf.getBackend(), 'cpu')
  engine.dispose()
})

test('the same text assembles to the same module', () => {
  assert.equal(assembleKernels(), assembleKernels())
})

test('refuses what does not fit the model', async () => {
  const engine = await openEngine(mixedModel)
  const batch = randomBatch(mixedModel, 2)
  const into = new Float32Array(stateSize)
  const refused = (body: () => unknown, message: RegExp) => assert.throws(body, message)
  refused(() => engine.load(new Float32Array(3)), /state has \d+ values/)
  refused(() => engine.gradient({ ...batch, count: 3 }, into, () => {}), /needs 2304 inputs/)
  refused(() => engine.evaluate({ ...batch, labels: Uint8Array.of(1, 10) }), /label 10/)
  refused(() => engine.gradient(batch, into.subarray(1), () => {}), /array only/)
  engine.dispose()
})

test.run()
