import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  loadWeights,
  readSafetensors,
  saveWeights,
  writeSafetensors,
  type Tensor,
} from '@kaitian/train/checkpoint'
import {
  batchNorm,
  conv2d,
  defineModel,
  dense,
  flatten,
  initialWeights,
} from '@kaitian/train/model'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failure } from '../data/errors.js'

const test = suite<{ folder: string; path: string }>('checkpoint/weights')

const layers = [conv2d({ filters: 4 }), batchNorm(), flatten(), dense({ units: 3 })]
const model = defineModel({ input: [4, 4, 2], layers, classes: 3 })
const { layout } = model

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'kaitian-weights-'))
  context.path = join(context.folder, 'model.safetensors')
})

test.after.each(async ({ folder }) => {
  await rm(folder, { recursive: true })
})

test('a model saved and loaded has the same bits', async ({ path }) => {
  const state = initialWeights(model, 9)
  await saveWeights(path, layout, state, { epoch: '2' })
  assert.equal(await loadWeights(path, layout), state)
  const { tensors, metadata } = await readSafetensors(path)
  assert.equal(
    tensors.map(({ name }) => name),
    layout.tensors.map(({ name }) => name),
  )
  assert.equal(metadata, { epoch: '2' })
})

test('the order of the tensors in the file does not matter', async ({ path }) => {
  const state = initialWeights(model, 9)
  await saveWeights(path, layout, state)
  const { tensors } = await readSafetensors(path)
  await writeSafetensors(path, tensors.toReversed())
  assert.equal(await loadWeights(path, layout), state)
})

const wrong: Record<string, { change: (tensors: Tensor[]) => Tensor[]; says: RegExp }> = {
  'lacks a tensor': { change: (tensors) => tensors.slice(1), says: /lacks the tensor 0\./ },
  'has one too many': {
    change: (tensors) => [...tensors, { ...tensors[0], name: 'extra' }],
    says: /tensor extra, which the model has not/,
  },
  'has another shape of the same size': {
    change: ([first, ...rest]) => [{ ...first, shape: [first.data.length] }, ...rest],
    says: /is \[72\], and the model's is \[3, 3, 2, 4\]/,
  },
  'has another dtype': {
    change: ([first, ...rest]) => [
      { ...first, dtype: 'U32', data: new Uint32Array(first.data.length) },
      ...rest,
    ],
    says: /is U32, and the model's is F32/,
  },
}

for (const [what, { change, says }] of Object.entries(wrong)) {
  test(`a file that ${what} is refused with the tensor's name`, async ({ path }) => {
    await saveWeights(path, layout, initialWeights(model, 9))
    const { tensors } = await readSafetensors(path)
    await writeSafetensors(path, change(tensors))
    assert.match((await failure(() => loadWeights(path, layout), 'FILE_CORRUPT')).message, says)
  })
}

test.run()
