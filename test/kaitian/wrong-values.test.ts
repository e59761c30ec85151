import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KaitianError } from '@kaitian/errors'
import * as fc from 'fast-check'
import { train, type TrainingOptions } from 'kaitian'
import { planBench, toTrainOptions } from 'kaitian/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runOnFake } from './command.js'

// What a program or a command line can get wrong is refused at the door, by name.

const test = suite<{ folder: string }>('wrong values')

/** Any module that is there will do: nothing is imported before the options are checked. */
const task = fileURLToPath(import.meta.url)
const good = { task, groups: ['a=sim@sim'] }

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'kaitian-values-'))
  writeFileSync(join(context.folder, 'file'), '')
})

test.after(({ folder }) => rmSync(folder, { recursive: true }))

function refusalOf(options: unknown): KaitianError {
  try {
    train(options as TrainingOptions)
  } catch (error) {
    assert.instance(error, KaitianError)
    return error as KaitianError
  }
  throw new Error('it was accepted')
}

const group = (more: object): object => ({
  groups: [{ name: 'a', engine: 'sim', devices: 'sim', ...more }],
})
const pace = (alphaMs: unknown, betaMs: unknown = 1): object => group({ pace: { alphaMs, betaMs } })

const cases: [change: object, names: RegExp][] = [
  ...[Number.NaN, 1.5, -1, '7', null, 2 ** 60, 1n].map((seed): [object, RegExp] => [
    { seed },
    /^seed must be a whole number from 0 on; it is /,
  ]),
  ...['epochs', 'batch', 'shard', 'maxSteps'].flatMap((key) =>
    [Number.NaN, '2', null, Infinity, 64.5, -8, 0].map((value): [object, RegExp] => [
      { [key]: value },
      new RegExp(`^${key} must be a whole number from 1 on; it is `),
    ]),
  ),
  ...[Number.NaN, '5000', 99, Infinity].map((deadlineMs): [object, RegExp] => [
    { deadlineMs },
    /^deadlineMs must be a number from 100 /,
  ]),
  [{ policy: 'foo' }, /^policy must be 'adaptive' or 'even'; it is "foo"\.$/],
  [{ backend: 'foo' }, /^backend must be 'auto', 'native' or 'typescript'; it is "foo"\.$/],
  [{ bridge: 'foo' }, /^bridge must be 'auto', 'memory' or 'tcp'; it is "foo"\.$/],
  [{ deterministic: 'false' }, /^deterministic must be true or false; it is "false"\.$/],
  [{ evaluate: 'false' }, /^evaluate must be true or false; it is "false"\.$/],
  ...[Number.NaN, -1, 1.5].map((sampleEvery): [object, RegExp] => [
    { record: { folder: 'r', sampleEvery } },
    /^record\.sampleEvery must be a whole number from 0 on/,
  ]),
  [{ record: { folder: 'r', sampleEveri: 1 } }, /^record\.sampleEveri .*mean sampleEvery\?$/],
  ...[Number.NaN, -5, '5', 1e12].map((alphaMs): [object, RegExp] => [
    pace(alphaMs),
    /^groups\[0\]\.pace\.alphaMs must be a number from 0 to /,
  ]),
  [group({ pace: {} }), /^groups\[0\]\.pace\.alphaMs is missing\.$/],
  [group({ pase: {} }), /^groups\[0\]\.pase is not known here; did you mean pace\?$/],
  [{ ports: { zzz: 4000 } }, /^ports names group 'zzz', but the groups are a\.$/],
  ...[70_000, 'x', -1, null].map((a): [object, RegExp] => [
    { ports: { a } },
    /^ports\.a must be a whole number from 0 to 65535/,
  ]),
  [{ ports: [] }, /^ports must be an object/],
  [{ signal: 'SIGINT' }, /^signal must be an AbortSignal; it is "SIGINT"\.$/],
  [{ signal: { aborted: true } }, /^signal must be an AbortSignal/],
  [{ maxStep: 1 }, /^maxStep is not known here; did you mean maxSteps\?$/],
  [{ epoch: 1 }, /did you mean epochs\?$/],
  [{ deadline: 1000 }, /did you mean deadlineMs\?$/],
  [{ learningRate: 0.1 }, /^learningRate is not known here; known are task, groups, /],
  [{ toString: 1 }, /^toString is not known here/],
  [{ groups: [] }, /^groups must be a list of at least 1; it is a list of 0\.$/],
  [{ groups: 'a=sim@sim' }, /^groups must be a list/],
  [{ groups: [null] }, /^groups\[0\] must be a text such as /],
  [{ groups: [5] }, /^groups\[0\] must be a text such as /],
  [{ groups: [{}] }, /^groups\[0\]\.name is missing/],
  [group({ devices: [] }), /^groups\[0\]\.devices must be a list of at least 1/],
  [group({ devices: 2 }), /^groups\[0\]\.devices must be a text such as 'cpu\*2', or a list/],
  [group({ devices: [2] }), /^groups\[0\]\.devices\[0\] must be a text/],
  [group({ devices: ['sim:0', 'sim:0'] }), /'sim:0' is used twice/],
  [group({ settings: { f() {} } }), /^groups\[0\]\.settings must be plain data/],
  [group({ settings: { nonsense: 1 } }), /engine 'sim'.*settings\.nonsense is not known here/],
  [group({ settings: { alphaMs: -1 } }), /groups\[0\]\.settings\.alphaMs must be a number from 0/],
  ...[undefined, 5, '', { name: 'x' }].map((value): [object, RegExp] => [
    { task: value },
    /^task must be a path or a file: URL; it is /,
  ]),
  ...['data', 'weights', 'save'].flatMap((key) =>
    [5, '', null].map((value): [object, RegExp] => [
      { [key]: value },
      new RegExp(`^${key} must be a path or a file: URL; it is `),
    ]),
  ),
  [{ data: 'file://./here' }, /^file:\/\/\.\/here is not a file: URL of this machine/],
  [{ data: new URL('https://example.org/') }, /is not a file: URL of this machine/],
  [{ secret: '' }, /^secret must be a text that is not empty; it is empty\.$/],
]

for (const [change, names] of cases) {
  const [[key, value]] = Object.entries(change)
  const shown = typeof value === 'bigint' ? 'a bigint' : JSON.stringify(value)
  test(`${key} ${shown}`, () => {
    const error = refusalOf({ ...good, ...change })
    assert.is(error.code, 'BAD_ARGUMENT')
    assert.match(error.message, names)
  })
}

test('a secret is not repeated in the error', () => {
  const { message } = refusalOf({ ...good, secret: 4711 })
  assert.match(message, /^secret must be a text/)
  assert.not.match(message, /4711/)
})

test('no options at all, and options that are none', () => {
  for (const options of [undefined, null, 'task.js', 7]) {
    const { code, message } = refusalOf(options)
    assert.is(code, 'BAD_ARGUMENT')
    assert.match(message, /^train's argument must be an object/)
  }
})

test('files that cannot be written are refused at the door too', ({ folder }) => {
  const file = join(folder, 'file')
  const wrong: [object, string][] = [
    [{ save: folder }, 'FILE_WRITE_FAILED'],
    [{ save: join(folder, 'gone', 'w') }, 'FILE_WRITE_FAILED'],
    [{ record: file }, 'FILE_WRITE_FAILED'],
    [{ record: { folder: join(file, 'deeper') } }, 'FILE_WRITE_FAILED'],
  ]
  for (const [change, code] of wrong) assert.is(refusalOf({ ...good, ...change }).code, code)
})

test('whatever a key holds, it is taken or refused as a KaitianError', () => {
  const keys = ['seed', 'groups', 'ports', 'record', 'save', 'task', 'policy', 'data', 'deadlineMs']
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.anything(), (key, value) => {
      try {
        toTrainOptions({ ...good, [key]: value })
      } catch (error) {
        assert.instance(error, KaitianError)
        assert.is.not((error as KaitianError).code, 'INTERNAL')
      }
    }),
    { seed: 11, numRuns: 2000 },
  )
})

test('the command refuses the same values, in the words of its flags', async () => {
  const plain = ['train', task, '--group', 'a=tfjs@cpu']
  const wrong: [string[], RegExp][] = [
    [['--epochs', 'many'], /BAD_ARGUMENT: --epochs must be a whole number from 1 on; it is "many"/],
    [['--epochs', '0'], /--epochs must be a whole number from 1 on; it is 0/],
    [['--seed', '1.5'], /--seed must be a whole number from 0 on; it is 1\.5/],
    [['--deadline', '5'], /--deadline must be a number from 100 .*; it is 5/],
    [['--port', 'a=99999'], /--port a must be a whole number from 0 to 65535/],
    [['--port', 'b=7000'], /--port names group 'b', but the groups are a/],
    [['--record', 'r', '--sample-every', '-2'], /--sample-every must be a whole number from 0 on/],
    [['--pace', 'a=9999999999+0'], /--pace must be a number from 0 to /],
    [['--secret', ''], /--secret must be a text that is not empty/],
    [['--policy', 'fair'], /--policy <name>.*invalid/],
    [['--epoch', '2'], /unknown option '--epoch'.*--epochs/],
  ]
  for (const [words, line] of wrong) {
    const ran = runOnFake([...plain, ...words])
    assert.is(await ran.code, 2, words.join(' '))
    assert.match(ran.text.err, line)
    assert.equal(ran.runtime.calls, [], 'nothing was started')
  }
})

test('a measurement is refused by name', () => {
  const options = {
    collective: 'allreduce',
    groups: [2],
    min: 1024,
    max: 4096,
    factor: 2,
    dtype: 'f32',
    check: true,
  }
  const wrong: [object, RegExp][] = [
    [{ factor: 1 }, /^--factor must be a whole number from 2 on; it is 1/],
    [{ iterations: 0 }, /^--iterations must be a whole number from 1 on/],
    [{ dtype: 'f31' }, /^--dtype must be 'f64', .* or 'u8'; it is "f31"/],
    [{ collective: 'toString' }, /^The collective must be 'allreduce'/],
    [{ groups: [] }, /^--groups must be a list of at least 1/],
    [{ iteration: 3 }, /^--iteration is not known here; did you mean iterations\?$/],
  ]
  for (const [change, names] of wrong) {
    assert.throws(
      () => planBench({ ...options, ...change } as Parameters<typeof planBench>[0]),
      (error: unknown) =>
        error instanceof KaitianError && error.code === 'BAD_ARGUMENT' && names.test(error.message),
      JSON.stringify(change),
    )
  }
})

test.run()
