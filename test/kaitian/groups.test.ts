import { KaitianError } from '@kaitian/errors'
import * as fc from 'fast-check'
import { parseGroup } from 'kaitian'
import { assignDevices } from 'kaitian/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('groups')

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    assert.instance(error, KaitianError)
    return (error as KaitianError).code
  }
  return 'nothing thrown'
}

test('a group is read with all of its parts', () => {
  assert.equal(parseGroup('a=tfjs@cpu'), { name: 'a', engine: 'tfjs', vendor: 'cpu', count: 1 })
  assert.equal(parseGroup('sim-gpu=sim@sim:4*3'), {
    name: 'sim-gpu',
    engine: 'sim',
    vendor: 'sim',
    ordinal: 4,
    count: 3,
  })
})

test('ordinals go on over all groups of a vendor', () => {
  const groups = assignDevices([
    'a=tfjs@cpu*2',
    's=sim@sim',
    'b=tfjs@cpu*2',
    'c=tfjs@cpu:7',
    'd=tfjs@cpu',
  ])
  assert.equal(
    groups.map(({ devices }) => devices),
    [['cpu:0', 'cpu:1'], ['sim:0'], ['cpu:2', 'cpu:3'], ['cpu:7'], ['cpu:8']],
  )
})

test('a group in full keeps its pace and may list its devices', () => {
  const pace = { alphaMs: 5, betaMs: 0.25 }
  assert.equal(
    assignDevices([{ name: 'a', engine: 'tfjs', devices: ['cpu:3', 'cpu:1*2'], pace }]),
    [{ name: 'a', engine: 'tfjs', devices: ['cpu:3', 'cpu:1', 'cpu:2'], pace }],
  )
})

test('what cannot be read is refused by name', () => {
  for (const text of [
    '',
    'a',
    'a=tfjs',
    '=tfjs@cpu',
    'a=tfjs@cpu*0',
    'a=tfjs@cpu*x',
    'a=tfjs@cpu*',
    'a=tfjs@cpu:',
    'a=tfjs@cpu:-1',
    'a=tfjs@cpu*1e3',
    '9=tfjs@cpu',
    'a b=tfjs@cpu',
    'a=tfjs@cpu*1000000',
  ]) {
    assert.is(
      codeOf(() => parseGroup(text)),
      'BAD_ARGUMENT',
      text,
    )
  }
})

test('unknown engines and devices say what exists', () => {
  assert.is(
    codeOf(() => parseGroup('a=tfs@cpu')),
    'UNKNOWN_ENGINE',
  )
  assert.is(
    codeOf(() => parseGroup('a=tfjs@gpu')),
    'UNKNOWN_DEVICE',
  )
  assert.is(
    codeOf(() => parseGroup('a=tfjs@sim')),
    'UNKNOWN_DEVICE',
  )
  assert.is(
    codeOf(() => parseGroup('a=constructor@cpu')),
    'UNKNOWN_ENGINE',
  )
  assert.throws(() => parseGroup('a=tfjs@gpu'), /tfjs@cpu, sim@sim/)
})

test('vendors that are only planned are told from typos', () => {
  for (const vendor of ['cuda', 'hip', 'mlu', 'npu']) {
    assert.throws(() => parseGroup(`a=tfjs@${vendor}`), /not supported yet/)
  }
  assert.throws(() => parseGroup('a=torch@cpu'), /not supported yet/)
})

test('names and devices are unique in a run', () => {
  assert.is(
    codeOf(() => assignDevices(['a=tfjs@cpu', 'a=tfjs@cpu'])),
    'BAD_ARGUMENT',
  )
  assert.throws(() => assignDevices(['a=tfjs@cpu*2', 'b=tfjs@cpu:1']), /cpu:1' is used twice/)
  assert.is(
    codeOf(() => assignDevices([])),
    'BAD_ARGUMENT',
  )
})

test('any list of counts gets devices 0 to n − 1, in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
      (counts) => {
        const groups = assignDevices(counts.map((count, index) => `g${index}=tfjs@cpu*${count}`))
        const total = counts.reduce((sum, count) => sum + count, 0)
        assert.equal(
          groups.flatMap(({ devices }) => devices),
          Array.from({ length: total }, (_, ordinal) => `cpu:${ordinal}`),
        )
      },
    ),
    { seed: 7 },
  )
})

test.run()
