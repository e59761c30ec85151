import { systemClock, virtualClock } from '@kaitian/actors'
import { engineFactory, type Batch, type Engine } from '@kaitian/train/engines'
import {
  batchNorm,
  conv2d,
  defineModel,
  dense,
  globalAveragePool,
  initialWeights,
  relu,
} from '@kaitian/train/model'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('engines/sim')

const model = defineModel({
  input: [4, 4, 3],
  layers: [
    conv2d({ filters: 8 }),
    batchNorm(),
    relu(),
    conv2d({ filters: 6 }),
    relu(),
    globalAveragePool(),
    dense({ units: 4 }),
  ],
  classes: 4,
})
const { stateSize, weightSize } = model.layout
const weights = initialWeights(model, 1)

function open(settings: Record<string, unknown> = {}, clock = systemClock): Promise<Engine> {
  return engineFactory('sim')({ model, clock, device: 'sim:0', settings })
}

function batchOf(ids: readonly number[]): Batch {
  return {
    count: ids.length,
    inputs: new Float32Array(ids.length * 48),
    labels: new Uint8Array(ids.length),
    ids: Uint32Array.from(ids),
  }
}

async function gradientOf(engine: Engine, ids: readonly number[]) {
  const into = new Float32Array(stateSize)
  const result = await engine.gradient(batchOf(ids), into, () => {})
  return { into, ...result }
}

test('S5 any split of up to 4096 samples sums to the same bits, in any order', async () => {
  const engine = await open()
  await engine.load(weights)
  const ids = fc.uniqueArray(fc.nat(1_000_000), { minLength: 1, maxLength: 4096 })
  const deal = fc.infiniteStream(fc.nat(6))
  await fc.assert(
    fc.asyncProperty(ids, deal, async (samples, owners) => {
      const whole = await gradientOf(engine, samples)
      const shares: number[][] = Array.from({ length: 7 }, () => [])
      for (const id of samples) shares[owners.next().value as number].push(id)
      const sum = new Float32Array(stateSize)
      const losses = { lossSum: 0, correct: 0 }
      for (const share of shares) {
        const part = await gradientOf(engine, share)
        part.into.forEach((value, i) => (sum[i] = Math.fround(sum[i] + value)))
        losses.lossSum += part.lossSum
        losses.correct += part.correct
      }
      assert.equal(sum, whole.into)
      assert.equal(losses, { lossSum: whole.lossSum, correct: whole.correct })
    }),
    { seed: 20250510, numRuns: 40 },
  )
})

test('a sample more or less, or another in its place, changes the gradient', async () => {
  const engine = await open()
  await engine.load(weights)
  const { into } = await gradientOf(engine, [1, 2, 3])
  for (const ids of [
    [1, 2],
    [1, 2, 3, 3],
    [1, 2, 4],
  ]) {
    assert.not.equal((await gradientOf(engine, ids)).into, into)
  }
})

test('the gradient is that of the loss', async () => {
  const engine = await open()
  const onGrid = weights.map((value) => Math.round(value * 64) / 64)
  await engine.load(onGrid)
  const { into, lossSum } = await gradientOf(engine, [5, 9])
  const scale = 2 ** -Math.ceil(Math.log2(weightSize))
  for (let j = 0; j < weightSize; j += 17) {
    const moved = onGrid.slice()
    moved[j] += 1 / 64
    await engine.load(moved)
    // a quadratic's difference over one step: gradient · step + count / 2 · step²
    const change = (into[j] / 64 + 2 / 2 / 64 ** 2) * scale
    assert.is((await gradientOf(engine, [5, 9])).lossSum - lossSum, change)
  }
})

test('descending lowers the loss and raises the hits', async () => {
  const engine = await open()
  const ids = Array.from({ length: 64 }, (_, i) => i)
  const state = weights.slice()
  await engine.load(state)
  const before = await engine.evaluate(batchOf(ids))
  for (let step = 0; step < 60; step++) {
    const { into } = await gradientOf(engine, ids)
    for (let j = 0; j < weightSize; j++) state[j] -= (0.2 * into[j]) / ids.length
    await engine.load(state)
  }
  const after = await engine.evaluate(batchOf(ids))
  assert.ok(after.lossSum < 0.6 * before.lossSum, `${before.lossSum} → ${after.lossSum}`)
  assert.ok(after.correct > before.correct, `${before.correct} → ${after.correct}`)
})

test('a step takes alpha + beta × samples of the injected clock and readies parts on the way', async () => {
  const clock = virtualClock()
  const engine = await open({ alphaMs: 10, betaMs: 2 }, clock)
  await engine.load(weights)
  const into = new Float32Array(stateSize).fill(NaN)
  const marks: { from: number; at: number }[] = []
  const step = engine.gradient(batchOf([1, 2, 3]), into, (from) => {
    assert.not(into.subarray(from).some(Number.isNaN), 'what is ready is written')
    marks.push({ from, at: clock.now() })
  })
  const start = clock.now()
  await clock.advance(15.9)
  assert.ok(marks.length > 0 && marks.at(-1)!.from > 0, 'a part before the end')
  await clock.advance(0.2)
  await step
  assert.is(marks.at(-1)!.from, 0)
  assert.ok(Math.abs(marks.at(-1)!.at - start - 16) < 1e-6)
  assert.ok(marks[0].at - start > 16 / 3 - 1e-6, 'nothing is ready during the forward pass')
  for (let i = 1; i < marks.length; i++) assert.ok(marks[i].from < marks[i - 1].from)
})

test('a computation ends when its signal aborts, whatever it waits for', async () => {
  const clock = virtualClock()
  const engine = await open({ alphaMs: 1000 }, clock)
  await engine.load(weights)
  const abort = new AbortController()
  const into = new Float32Array(stateSize)
  const ended = Promise.resolve(engine.gradient(batchOf([1]), into, () => {}, abort.signal))
  abort.abort()
  await rejects(ended, () => true)
  assert.is(clock.now(), 0)
  assert.is(clock.pending, 0)
})

test('refuses a pace that is no time, a label that is no class, and a step before load', async () => {
  const code = (expected: string) => (error: { code?: string }) => error.code === expected
  for (const settings of [{ alphaMs: -1 }, { betaMs: '3' }, { betaMs: Infinity }]) {
    await rejects(open(settings), code('BAD_CONFIG'))
  }
  const engine = await open()
  await rejects(gradientOf(engine, [1]), code('BAD_ARGUMENT'))
  await engine.load(weights)
  const batch = { ...batchOf([1]), labels: Uint8Array.of(4) }
  await rejects(
    Promise.resolve(engine.gradient(batch, new Float32Array(stateSize), () => {})),
    code('BAD_ARGUMENT'),
  )
})

async function rejects(promise: Promise<unknown>, expected: (error: never) => boolean) {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error !== undefined && expected(error as never), `rejected with ${String(error)}`)
}

test.run()
