import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { replayCommand, type Surroundings } from '@kaitian/actors/internal'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('testing, replay')

const folder = fileURLToPath(new URL('.', import.meta.url))
const uvu = join(dirname(createRequire(import.meta.url).resolve('uvu')), '../bin.js')

/** What a command that fails writes in this folder; it says itself under which runner it is. */
function failureOf(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { KAITIAN_SEED: _, NODE_TEST_CONTEXT: __, FORCE_COLOR: ___, ...rest } = process.env
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [...args],
      { cwd: folder, env: { ...rest, ...env, NO_COLOR: '1' } },
      (error, out, text) =>
        error === null ? reject(new Error('did not fail')) : resolve(out + text),
    )
  })
}

/** From the seed to the end of the trace, whatever a runner indents it by. */
function reportIn(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim().replaceAll("\\'", "'"))
  const first = lines.findIndex((line) => /seed \d+ fails/.test(line))
  const last = lines.findIndex((line, at) => at > first && /^(at |code: |$)/.test(line))
  assert.ok(first >= 0 && last > first, text)
  return lines.slice(first, last).map((line) => line.replace(/^.*(?=seed \d+ fails)/, ''))
}

const ways: Record<string, { args: string[]; prints: string }> = {
  'a program': {
    args: ['programs/fragile-order.js', '--an', 'argument'],
    prints: 'node programs/fragile-order.js --an argument',
  },
  'node:test': {
    args: ['--test', 'programs/fragile.node-test.js'],
    prints: 'node --test programs/fragile.node-test.js',
  },
  'a file of node:test by itself': {
    args: ['programs/fragile.node-test.js'],
    prints: 'node programs/fragile.node-test.js',
  },
  'a file of uvu': { args: ['programs/fragile.uvu.js'], prints: 'node programs/fragile.uvu.js' },
  'the command of uvu': {
    args: [uvu, 'programs', 'fragile.uvu.js$'],
    prints: 'node programs/fragile.uvu.js',
  },
}

for (const [name, { args, prints }] of Object.entries(ways)) {
  test(`A8 what a failing seed prints fails in the same way: ${name}`, async () => {
    const first = reportIn(await failureOf(args))
    const [, seed, command] = /^replay: KAITIAN_SEED=(\d+) (.+)$/.exec(first[1]) ?? []
    assert.ok(Number(seed) > 1, first.join('\n'))
    assert.is(command, prints)
    const [, ...again] = command.split(' ')
    const second = reportIn(await failureOf(again, { KAITIAN_SEED: seed }))
    const others = (line: string): boolean => !line.startsWith('replay:')
    assert.equal(second.filter(others), first.filter(others))
  })
}

/** As seen in workers of runners that are none of our dependencies. */
const around: Surroundings = {
  argv: ['/usr/bin/node', '/home/me/app/test/order.test.js'],
  execArgv: [],
  env: {},
  cwd: '/home/me/app',
  stack: '',
  running: {},
}
const stack = `Error
    at surroundings (file:///home/me/app/node_modules/@kaitian/actors/dist/testing/replay.js:30:20)
    at overSeeds (file:///home/me/app/node_modules/@kaitian/actors/dist/testing/seeds.js:40:20)
    at overMany (/home/me/app/test/helper.ts:4:15)
    at /home/me/app/test/my order.test.ts:6:5
    at processTicksAndRejections (node:internal/process/task_queues:95:5)
    at file:///home/me/app/node_modules/@vitest/runner/dist/chunk-hooks.js:752:20`

const known: [string, Partial<Surroundings>, string][] = [
  ['a program', {}, 'node test/order.test.js'],
  [
    'a loader',
    { execArgv: ['--import', 'tsx', '--inspect=0', '--test-reporter=dot'] },
    'node --import tsx test/order.test.js',
  ],
  [
    'vitest',
    {
      argv: ['/usr/bin/node', '/home/me/app/node_modules/tinypool/dist/entry/process.js'],
      execArgv: ['--conditions', 'node'],
      env: { VITEST: 'true' },
      running: { file: '/home/me/app/test/my order.test.ts', name: "group it's (1)" },
    },
    "npx vitest run 'test/my order.test.ts' -t 'group it'\\''s \\(1\\)'",
  ],
  [
    'vitest that tells nothing',
    { env: { VITEST: 'true' }, stack },
    "npx vitest run 'test/my order.test.ts'",
  ],
  [
    'jest',
    {
      argv: ['/usr/bin/node', '/home/me/app/node_modules/jest-worker/build/processChild.js'],
      env: { JEST_WORKER_ID: '3' },
      running: { file: '/home/me/app/test/order.test.js', name: 'group name' },
    },
    "npx jest test/order.test.js -t 'group name'",
  ],
  [
    'mocha',
    {
      argv: [
        '/usr/bin/node',
        '/home/me/app/node_modules/mocha/bin/mocha.js',
        '--exit',
        'test/a.js',
      ],
    },
    'npx mocha --exit test/a.js',
  ],
  [
    'node:test in one process',
    { argv: ['/usr/bin/node'], execArgv: ['--test', '--test-isolation=none'], stack },
    "node --test 'test/my order.test.ts'",
  ],
]

for (const [name, given, prints] of known) {
  test(`the command is one that the runner understands: ${name}`, () => {
    assert.is(replayCommand(7, { ...around, ...given }), `KAITIAN_SEED=7 ${prints}`)
  })
}

test.run()
