import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '@kaitian/actors'
import { loadBackend } from '@kaitian/comm-native'
import { defineModel } from '@kaitian/train'
import { computeShare, FloatArena } from '@kaitian/train/device'
import { engineFactory, type Batch, type Engine } from '@kaitian/train/engines'
import { cutBuckets, flatSize } from '@kaitian/train/step'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { referenceGradient } from '../checker/reference.js'
import { Safetensors } from '../checker/safetensors.js'
import { groupsOf, smallTask, tryRun } from '../train/try-run.js'

const test = suite('exactness in fp32')

const POINTS = 20
const SHARD = 4
const model = defineModel(smallTask.model)
const backend = loadBackend()
const buckets = cutBuckets(model.layout, 512)

/** A recorded step: the parameters before it, and its samples. */
interface Point {
  readonly state: Float32Array
  readonly batch: Batch
}

/** Full steps of one trajectory, from its first to its last. */
async function trajectory(): Promise<Point[]> {
  const points: Point[] = []
  await tryRun({
    options: { groups: groupsOf('tfjs', [1, 1]), epochs: 4, seed: 9, evaluate: false },
    sampleEvery: 1,
    look: async (folder) => {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.safetensors'))
      for (const name of names.toSorted()) {
        const file = new Safetensors(new Uint8Array(await readFile(join(folder, name))), name)
        const count = Number(file.metadata('count'))
        if (count !== smallTask.batch) continue
        points.push({
          state: file.f32('before.state', [model.layout.stateSize]),
          batch: {
            count,
            inputs: file.f32('inputs', [count, ...model.description.input]),
            labels: file.u8('labels', [count]),
            ids: file.u32('ids', [count]),
          },
        })
      }
    },
  })
  return points.slice(0, POINTS)
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

const toTheEnd = { signal: new AbortController().signal, check: () => {} }

/** The gradient sum of devices with these shares, in two groups, by the production path's parts. */
async function splitGradient(
  engine: Engine,
  batch: Batch,
  shares: readonly number[],
): Promise<Float32Array> {
  const total = shares.reduce((sum, share) => sum + share, 0)
  const scale = batch.count / SHARD / total
  const sums: Float32Array[] = []
  let from = 0
  for (const [device, share] of shares.entries()) {
    const to = from + Math.round(share * scale) * SHARD
    const address = { vendor: 'cpu', ordinal: device }
    const options = { backend, device: address, buckets, flatSize: flatSize(model.layout) }
    const arena = new FloatArena(options)
    const passes = to > from ? [part(batch, from, to)] : []
    await computeShare(engine, arena, passes, undefined, systemClock, () => {}, toTheEnd)
    const { f32 } = arena.regions
    sums.push(new Float32Array(f32.buffer, f32.byteOffset, f32.byteLength / 4).slice(0, -1))
    arena.dispose()
    from = to
  }
  assert.is(from, batch.count, 'the split does not cover the batch')
  const { kernels } = backend
  const groups = [sums.slice(0, 2), sums.slice(2)].map((members) => {
    const sum = new Float32Array(model.layout.stateSize)
    kernels.sumF32(sum, members)
    return sum
  })
  const whole = new Float32Array(model.layout.stateSize)
  kernels.sumF32(whole, groups)
  return whole
}

function relativeError(value: Float32Array, reference: Float64Array): number {
  let difference = 0
  let norm = 0
  for (const [index, exact] of reference.entries()) {
    difference += (value[index] - exact) ** 2
    norm += exact ** 2
  }
  return Math.sqrt(difference / norm)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

test('S5 a split is as exact as the whole batch, at 20 points of a trajectory', async () => {
  const points = await trajectory()
  assert.is(points.length, POINTS)
  const create = engineFactory('tfjs')
  const engine = await create({ model, clock: systemClock, device: 'cpu:0', settings: {} })
  const splits = [
    [4, 4, 4, 4],
    [1, 2, 5, 8],
    [16, 0, 0, 0],
  ]
  const whole: number[] = []
  const split = splits.map((): number[] => [])
  for (const { state, batch } of points) {
    await engine.load(state)
    const { tensors } = model.layout
    const bounds = Array.from({ length: batch.count / SHARD + 1 }, (_, shard) => shard * SHARD)
    const { description } = model
    const { inputs, labels } = batch
    const exact = referenceGradient(description, tensors, state, inputs, labels, bounds).sum
    const together = new Float32Array(model.layout.stateSize)
    await engine.gradient(batch, together, () => {})
    whole.push(relativeError(together, exact))
    for (const [index, shares] of splits.entries()) {
      split[index].push(relativeError(await splitGradient(engine, batch, shares), exact))
    }
  }
  await engine.dispose()
  for (const [index, errors] of split.entries()) {
    const name = splits[index].join(':')
    const told = `${name}: median ${median(errors)} of ${median(whole)}, maximum ${Math.max(...errors)} of ${Math.max(...whole)}`
    assert.ok(median(errors) <= 2 * median(whole), told)
    assert.ok(Math.max(...errors) <= 2 * Math.max(...whole), told)
    console.log(told)
  }
})

test.run()
