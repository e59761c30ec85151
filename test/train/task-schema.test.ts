import { KaitianError } from '@kaitian/errors'
import { checkTask, Runtime, type DataSet, type Task, type TrainOptions } from '@kaitian/train'
import { maxPool } from '@kaitian/train/model'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { groupsOf, smallTask } from './try-run.js'

// A task and its data set are refused by name, before any actor starts.

const test = suite('task schema')

function refusalOf(task: unknown): KaitianError {
  try {
    checkTask(task, 'task.js')
  } catch (error) {
    return error as KaitianError
  }
  throw new Error('it was accepted')
}

const change = (part: keyof Task, value: unknown): object => ({ ...smallTask, [part]: value })
const optimiser = (more: object): object => change('optimiser', { ...smallTask.optimiser, ...more })
const augmentation = (more: object): object =>
  change('augmentation', { crop: 2, flip: true, ...more })

test('what a task says is checked key by key', () => {
  const cases: [unknown, RegExp][] = [
    [undefined, /: its default export must be an object; it is undefined\. Export default/],
    [() => smallTask, /: its default export must be an object; it is a function\./],
    [{ ...smallTask, augmentaion: {} }, /: augmentaion is not known here; did you mean augmen/],
    [
      augmentation({ crop: '4' }),
      /: augmentation\.crop must be a whole number from 0 on; it is "4"/,
    ],
    [augmentation({ flip: 1 }), /: augmentation\.flip must be true or false; it is 1/],
    [
      augmentation({ mirror: true }),
      /: augmentation\.mirror is not known here; known are crop, flip/,
    ],
    [optimiser({ learningRat: 1 }), /: optimiser\.learningRat .*; did you mean learningRate\?/],
    [
      optimiser({ learningRate: Infinity }),
      /: optimiser\.learningRate must be a finite number above 0/,
    ],
    [optimiser({ weightDecay: Infinity }), /: optimiser\.weightDecay must be a finite number ≥ 0/],
    [optimiser({ momentum: 2 }), /: optimiser\.momentum must be a number from 0 to 1; it is 2/],
    [optimiser({ schedule: 'linear' }), /: optimiser\.schedule must be 'constant' or 'cosine'/],
    [change('batch', '64'), /: batch must be a whole number from 1 on; it is "64"/],
    [change('data', 'cifar'), /: data must be a function; it is "cifar"/],
    [change('name', ''), /: name must be a text that is not empty/],
  ]
  for (const [task, names] of cases) {
    const { code, message } = refusalOf(task)
    assert.is(code, 'BAD_TASK', message)
    assert.match(message, names)
  }
})

test('a task whose own code throws says so as its own fault', () => {
  const task = Object.defineProperty({ ...smallTask }, 'epochs', {
    enumerable: true,
    get: () => {
      throw new Error('not today')
    },
  })
  assert.match(refusalOf(task).message, /task\.js cannot be read: not today/)
})

async function refusedRun(task: Task, options: Partial<TrainOptions> = {}): Promise<KaitianError> {
  try {
    const whole = { task: 'test', groups: groupsOf('sim', [1]), ...options }
    const runtime = await Runtime.create(whole, task, () => {}, { placement: 'inline' })
    await runtime.close()
  } catch (error) {
    assert.instance(error, KaitianError)
    return error as KaitianError
  }
  throw new Error('it was accepted')
}

test('the options are checked also where the runtime is used directly', async () => {
  const error = await refusedRun(smallTask, { maxSteps: 1.5 })
  assert.is(error.code, 'BAD_ARGUMENT')
  assert.match(error.message, /^maxSteps must be/)
})

test('keys of layers are known or refused, with the layer', async () => {
  const cases: [object, RegExp][] = [
    [maxPool({ siz: 3 } as object), /Layer 0\.maxPool: siz is not known here; did you mean size\?/],
    [{ kind: 'dense', units: 10, bias: 'no' }, /bias is true or false, not no/],
    [{ kind: 'constructor' }, /this kind of layer is unknown/],
  ]
  for (const [layer, names] of cases) {
    const model = { ...smallTask.model, layers: [layer, ...smallTask.model.layers] }
    const error = await refusedRun({ ...smallTask, model: model as Task['model'] })
    assert.is(error.code, 'BAD_MODEL')
    assert.match(error.message, names)
  }
  const model = { ...smallTask.model, clases: 3 }
  assert.match((await refusedRun({ ...smallTask, model })).message, /clases .* mean classes\?/)
})

test("what data() gives is checked by name; what it throws is the task's own error", async () => {
  const whole = await smallTask.data({ seed: 1 })
  const train = (more: object): unknown => ({ ...whole, train: { ...whole.train, ...more } })
  const cases: [unknown, RegExp][] = [
    [null, /: it must be an object; it is null/],
    [{ ...whole, tset: whole.test }, /: tset is not known here; did you mean test\?/],
    [{ ...whole, classes: 3.5 }, /: classes must be a whole number from 1 to 256/],
    [train({ count: 1.5 }), /: train\.count must be a whole number/],
    [
      train({ labels: [...whole.train.labels] }),
      /: train\.labels must be a Uint8Array; it is a list/,
    ],
    [
      train({ pixels: new Float32Array(9) }),
      /: train\.pixels must be a Uint8Array; it is an object/,
    ],
    [
      train({ labels: whole.train.labels.slice(1) }),
      /: train\.labels must have 410 elements, .* is 409/,
    ],
    [train({ pixels: whole.train.pixels.slice(1) }), /: train\.pixels must have \d+ elements/],
    [
      train({ mean: [0.5, Number.NaN, 0.5] }),
      /: train\.mean\[1\] must be a finite number; it is NaN/,
    ],
    [train({ deviation: [0, 1, 1] }), /: train\.deviation\[0\] must be a finite number above 0/],
    [train({ mean: [0.5] }), /: train\.mean must have 3 elements/],
  ]
  for (const [data, names] of cases) {
    const error = await refusedRun({ ...smallTask, data: () => data as DataSet })
    assert.is(error.code, 'BAD_TASK', error.message)
    assert.match(error.message, names)
  }
  const failing = async (thrown: unknown): Promise<KaitianError> =>
    refusedRun({
      ...smallTask,
      data: () => {
        throw thrown
      },
    })
  const plain = await failing(new TypeError('no such column'))
  assert.is(plain.code, 'BAD_TASK')
  assert.match(plain.message, /data\(\) of the task 'small' failed: no such column/)
  assert.instance(plain.cause, TypeError)
  assert.match((await failing('a string')).message, /failed: a string/)
  const own = new KaitianError('DATA_MISSING', 'Not here.')
  assert.is(await failing(own), own)
})

test('a device that is named before there are any is refused with a sentence', async () => {
  const options = { task: 'test', groups: groupsOf('sim', [1]) }
  const runtime = await Runtime.create(options, smallTask, () => {}, { placement: 'inline' })
  const error = (await runtime.kill('cpu:0').catch((thrown: unknown) => thrown)) as KaitianError
  await runtime.close()
  assert.is(error.code, 'UNKNOWN_DEVICE')
  assert.match(error.message, /the devices are not up yet: wait for the event ready\.$/)
})

test('a pace that leaves no time is refused rather than run', async () => {
  const groups = groupsOf('sim', [1], () => ({ pace: { alphaMs: 500, betaMs: 0 } }))
  const error = await refusedRun(smallTask, { groups, deadlineMs: 1000 })
  assert.is(error.code, 'BAD_CONFIG')
  assert.match(error.message, /group a takes 500 ms at least .* 1000 ms a device has 400 ms/)
})

test.run()
