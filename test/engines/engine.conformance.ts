import { systemClock } from '@kaitian/actors'
import type { Batch, BatchResult, Engine, EngineFactory } from '@kaitian/train/engines'
import { initialWeights } from '@kaitian/train/model'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../comm-native/ranks.js'
import { mixedModel, randomBatch } from './fixtures.js'
import { relativeError } from './reference.js'

const { stateSize } = mixedModel.layout
const COUNT = 12
/** Relative, of fp32 sums over other splits: a few roundings of a few hundred terms. */
const TOLERANCE = 1e-5

interface Gradient extends BatchResult {
  readonly sum: Float32Array
  /** What `ready` was called with. */
  readonly marks: readonly number[]
}

/** What every engine promises to its device, whatever it computes on. */
export function engineConformance(name: string, open: EngineFactory): void {
  const test = suite(`engine ${name}`)
  test('a gradient is written whole, last layer first, and nothing beyond it', () =>
    writesAllOfIt(open))
  test('what was said to be ready does not change any more', () => leavesWhatIsReady(open))
  test('S5 it is a sum over samples: parts add up to the whole', () => sums(open))
  test('bits depend on parameters and batch alone, not on what came before', () =>
    repeatsBits(open))
  test('no sample gives zeros', () => givesZeros(open))
  test('T3 what ready throws ends the computation, and the engine goes on', () =>
    endsWithItsReady(open))
  test('evaluation does not depend on its parts, and takes nothing from training', () =>
    evaluates(open))
  test('a step before any parameters, a label that is no class, and short arrays are refused', () =>
    refuses(open))
  test.run()
}

const options = { model: mixedModel, clock: systemClock, device: 'cpu:0', settings: {} }

async function opened(open: EngineFactory): Promise<Engine> {
  const engine = await open(options)
  await engine.load(initialWeights(mixedModel, 1))
  return engine
}

async function writesAllOfIt(open: EngineFactory): Promise<void> {
  const engine = await opened(open)
  const beyond = new Float32Array(stateSize + 3).fill(7)
  const marks: number[] = []
  await engine.gradient(randomBatch(mixedModel, COUNT), beyond, (from) => void marks.push(from))
  assert.ok(beyond.subarray(0, stateSize).every(Number.isFinite))
  assert.equal([...beyond.subarray(stateSize)], [7, 7, 7])
  assert.is(marks.at(-1), 0)
  assert.ok(marks.length > 1, 'all of it was ready at once')
  assert.equal(
    marks,
    [...new Set(marks)].toSorted((a, b) => b - a),
  )
  await engine.dispose()
}

async function leavesWhatIsReady(open: EngineFactory): Promise<void> {
  const engine = await opened(open)
  const into = new Float32Array(stateSize).fill(NaN)
  const copies: { from: number; final: Float32Array }[] = []
  await engine.gradient(randomBatch(mixedModel, COUNT), into, (from) => {
    copies.push({ from, final: into.slice(from) })
  })
  for (const { from, final } of copies) assert.equal(into.subarray(from), final)
  await engine.dispose()
}

async function sums(open: EngineFactory): Promise<void> {
  const engine = await opened(open)
  const batch = randomBatch(mixedModel, COUNT)
  const whole = await gradientOf(engine, batch)
  const parts = [
    await gradientOf(engine, part(batch, 0, 5)),
    await gradientOf(engine, part(batch, 5, COUNT)),
  ]
  const sum = parts[0].sum.map((value, at) => value + parts[1].sum[at])
  assert.ok(relativeError(sum, whole.sum) < TOLERANCE)
  assert.is(parts[0].correct + parts[1].correct, whole.correct)
  const lossSum = parts[0].lossSum + parts[1].lossSum
  assert.ok(Math.abs(lossSum - whole.lossSum) <= TOLERANCE * Math.abs(whole.lossSum))
  assert.is(whole.count, COUNT)
  await engine.dispose()
}

async function repeatsBits(open: EngineFactory): Promise<void> {
  const engine = await opened(open)
  const batch = randomBatch(mixedModel, COUNT)
  const first = await gradientOf(engine, batch)
  await gradientOf(engine, randomBatch(mixedModel, 3, 'other'))
  await engine.evaluate(randomBatch(mixedModel, 5, 'third'))
  await engine.load(initialWeights(mixedModel, 2))
  await gradientOf(engine, batch)
  await engine.load(initialWeights(mixedModel, 1))
  assert.equal(await gradientOf(engine, batch), first)
  await engine.dispose()
}

async function givesZeros(open: EngineFactory): Promise<void> {
  const engine = await opened(open)
  const { sum, lossSum, correct, marks } = await gradientOf(engine, randomBatch(mixedModel, 0))
  assert.ok(sum.every((value) => value === 0))
  assert.equal([lossSum, correct], [0, 0])
  assert.is(marks.at(-1), 0)
  await engine.dispose()
}

async function endsWithItsReady(open: EngineFactory): Promise<void> {
  const engine = await opened(open)
  const batch = randomBatch(mixedModel, COUNT)
  const before = await gradientOf(engine, batch)
  let marks = 0
  const into = new Float32Array(stateSize)
  const ended = (async () => {
    await engine.gradient(batch, into, () => {
      marks++
      throw new Error('in vain')
    })
  })()
  assert.is((await rejection(ended)).message, 'in vain')
  assert.is(marks, 1)
  assert.equal(await gradientOf(engine, batch), before)
  await engine.dispose()
}

async function evaluates(open: EngineFactory): Promise<void> {
  const engine = await opened(open)
  const batch = randomBatch(mixedModel, COUNT)
  const whole = await engine.evaluate(batch)
  const parts = [
    await engine.evaluate(part(batch, 0, 7)),
    await engine.evaluate(part(batch, 7, COUNT)),
  ]
  assert.is(parts[0].correct + parts[1].correct, whole.correct)
  const lossSum = parts[0].lossSum + parts[1].lossSum
  assert.ok(Math.abs(lossSum - whole.lossSum) <= TOLERANCE * Math.abs(whole.lossSum))
  assert.equal(await engine.evaluate(batch), whole)
  await engine.dispose()
}

async function refuses(open: EngineFactory): Promise<void> {
  const engine = await open(options)
  const batch = randomBatch(mixedModel, 2)
  const wrong = { ...batch, labels: Uint8Array.of(0, 10) }
  const short = new Float32Array(stateSize - 1)
  assert.is(await codeOf(engine, batch), 'BAD_ARGUMENT')
  await engine.load(initialWeights(mixedModel, 1))
  assert.is(await codeOf(engine, wrong), 'BAD_ARGUMENT')
  assert.is(await codeOf(engine, batch, short), 'BAD_ARGUMENT')
  assert.is((await rejection((async () => await engine.load(short))())).code, 'BAD_ARGUMENT')
  await engine.dispose()
}

async function gradientOf(engine: Engine, batch: Batch): Promise<Gradient> {
  const sum = new Float32Array(stateSize).fill(NaN)
  const marks: number[] = []
  const result = await engine.gradient(batch, sum, (from) => void marks.push(from))
  return { ...result, sum, marks }
}

async function codeOf(
  engine: Engine,
  batch: Batch,
  into = new Float32Array(stateSize),
): Promise<string> {
  return (await rejection((async () => await engine.gradient(batch, into, () => {}))())).code
}

function part(batch: Batch, from: number, to: number): Batch {
  const size = batch.inputs.length / batch.count
  return {
    count: to - from,
    inputs: batch.inputs.subarray(from * size, to * size),
    labels: batch.labels.subarray(from, to),
    ids: batch.ids.subarray(from, to),
  }
}
