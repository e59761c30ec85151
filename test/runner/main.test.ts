import { existsSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listTests } from './files.js'
import { Run } from './run.js'
import { Workshop } from './workshop.js'

// The whole runner, over tests of a folder of their own.

const test = suite('runner')

const withWorkshop = (body: (shop: Workshop) => Promise<void>) => async (): Promise<void> => {
  const shop = new Workshop()
  try {
    await body(shop)
  } finally {
    shop.dispose()
  }
}

const passing = `import { test } from 'uvu'\ntest('a', () => {})\ntest('b', () => {})\ntest.run()\n`
const failing = `import { test } from 'uvu'\ntest('a', () => {})\ntest('b', () => { throw new Error('no') })\ntest.run()\n`
/** Starts a program that outlives it, and writes down both processes before it waits for ever. */
const endless = `import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { test } from 'uvu'
test('waits', () => new Promise(() => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
  appendFileSync(new URL('../../pids', import.meta.url), process.pid + ' ' + other.pid + ' ')
}))
test.run()
`

test(
  'tests that pass, that fail, and files that only look as if they had passed',
  withWorkshop(async (shop) => {
    const traps = {
      'a throwing before hook': `import { test } from 'uvu'\ntest.before(() => { throw new Error('no') })\ntest('a', () => {})\ntest.run()\n`,
      'a missing run': `import { test } from 'uvu'\ntest('a', () => {})\n`,
      'no tests': `import { test } from 'uvu'\ntest.run()\n`,
      'an error before': `throw new Error('no')\n`,
      'an early exit': `${passing}test('c', () => process.exit(0))\ntest.run()\n`,
      'a timer left': `${passing}setInterval(() => {}, 1000)\n`,
      'a process left': `import { spawn } from 'node:child_process'\n${passing}spawn('sleep', ['1000'], { stdio: 'ignore' }).unref()\n`,
      'a process left with its output': `import { spawn } from 'node:child_process'\n${passing}const other = spawn('sleep', ['1000'], { stdio: 'inherit' })\nother.unref()\n`,
    }
    for (const [name, text] of Object.entries(traps)) shop.write(`traps/${name}.test.ts`, text)
    shop.write('passing.test.ts', passing)
    shop.write('failing.test.ts', failing)
    const { code, output, last } = await shop.run()
    const reasons = Object.fromEntries(
      [...output.matchAll(/^FAIL (.*)\.test\.ts {2}(.*), [\d.]+ s\n(.*)/gm)].map((found) => [
        found[1],
        `${found[2]}: ${found[3]}`,
      ]),
    )
    assert.equal(reasons, {
      failing: '1 passed, 1 failed: tests failed',
      'traps/a throwing before hook': '0 passed, 1 failed: tests failed',
      'traps/a missing run': '0 passed, 1 failed: ended before it printed totals',
      'traps/no tests': '0 passed, 1 failed: ran no test',
      'traps/an error before': '0 passed, 1 failed: ended before it printed totals',
      'traps/an early exit': '0 passed, 1 failed: ended before it printed totals',
      'traps/a timer left': '2 passed, 1 failed: finished but left handles open',
      'traps/a process left': '2 passed, 1 failed: ended, but left processes behind: sleep',
      'traps/a process left with its output':
        '2 passed, 1 failed: ended, but left processes behind: sleep',
    })
    assert.match(output, /Open handles: .*Timeout/)
    assert.match(output, /^ok {3}passing\.test\.ts {2}2 passed, 0 failed/m)
    assert.match(output, /The slowest files:\n(.* of processor time {2}.*\n){10}\n/)
    assert.equal([code, last], [1, '9 passed, 9 failed'])
  }),
)

test(
  '--failed repeats what failed when it last ran, and says when that is nothing',
  withWorkshop(async (shop) => {
    const names = ({ output }: { output: string }): string[] =>
      [...output.matchAll(/^(?:ok {3}|FAIL )(.*)\.test\.ts {2}/gm)].map(([, name]) => name)
    assert.equal((await shop.run(['--failed'])).code, 0)
    shop.write('a.test.ts', failing)
    shop.write('b.test.ts', passing)
    shop.write('c.test.ts', failing)
    assert.equal(names(await shop.run()).toSorted(), ['a', 'b', 'c'])
    // A run of other files changes nothing.
    assert.equal(names(await shop.run(['b.test'])), ['b'])
    const again = await shop.run(['--failed'])
    assert.equal(names(again).toSorted(), ['a', 'c'])
    assert.match(again.output, 'Failed: a.test.ts, c.test.ts\nAgain: npm test -- --failed\n')
    shop.write('a.test.ts', passing)
    assert.equal(names(await shop.run(['--failed', 'a.test'])), ['a'])
    assert.equal(names(await shop.run(['--failed'])), ['c'])
    shop.remove('c.test.ts')
    const { code, output, last } = await shop.run(['--failed'])
    assert.equal([code, last], [0, '0 passed, 0 failed'])
    assert.match(output, 'Nothing failed the last time.')
  }),
)

test(
  'names that match nothing, flags that are not known and depths that there are not',
  withWorkshop(async (shop) => {
    shop.write('a.test.ts', passing)
    for (const [args, depth, said] of [
      [['nowhere'], 'cut', 'No test file matches.'],
      [['--faild'], 'cut', "Unknown option '--faild'"],
      [['a'], 'full', 'What matches has one depth only'],
      [[], 'deep', 'KAITIAN_TEST_DEPTH is "cut" or "full", not "deep"'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop
      const { code, output } = await shop.run(args, depth)
      assert.is(code, 1)
      assert.match(output, said)
    }
  }),
)

test(
  'at full depth only files run that read the depth, or use something that does',
  withWorkshop(async (shop) => {
    const reading = `import { depth } from './depth.js'\nexport const seeds = depth({ cut: 1, full: 2 })\n`
    shop.write('shallow.test.ts', passing)
    shop.write('uses.ts', reading)
    shop.write('direct.test.ts', `${reading}${passing}`)
    shop.write(
      'deep/indirect.test.ts',
      `const { seeds } = await import('../uses.js')\nconsole.log('seeds', seeds)\n${failing}`,
    )
    const { output, last } = await shop.run([], 'full')
    assert.match(output, 'ok   direct.test.ts')
    assert.match(output, 'seeds 2')
    assert.is(last, '3 passed, 1 failed')
    assert.match(output, 'Again: npm run test:full -- --failed\n')
    // What failed deep down has not failed in the cut.
    assert.is((await shop.run(['--failed'])).last, '0 passed, 0 failed')
  }),
)

test(
  'what has to be prepared is, before, and is not part of the file',
  withWorkshop(async (shop) => {
    const prepare = `import { writeFileSync } from 'node:fs'\nwriteFileSync(new URL('./made', import.meta.url), '')\n`
    shop.write('a.prepare.ts', prepare)
    shop.write(
      'a.test.ts',
      `import { readFileSync } from 'node:fs'\nreadFileSync(new URL('./made', import.meta.url))\n${passing}`,
    )
    shop.write('b.prepare.ts', `console.log('no compiler')\nprocess.exit(3)\n`)
    shop.write('b.test.ts', passing)
    const { output, last } = await shop.run()
    assert.match(output, /^prep a\.test\.ts {2}[\d.]+ s$/m)
    assert.match(output, 'its preparation failed: status 3\nno compiler\n')
    assert.is(last, '2 passed, 1 failed')
  }),
)

test(
  'Ctrl-C ends what runs, with all that it started, and prints what stood',
  withWorkshop(async (shop) => {
    shop.write('a.test.ts', passing)
    // As many as run at a time at most.
    shop.write('system/endless.test.ts', endless)
    shop.write('system/endless-too.test.ts', endless)
    shop.write('system/next.test.ts', passing)
    const pids = (): number[] =>
      existsSync(shop.path('pids'))
        ? (readFileSync(shop.path('pids'), 'utf8').match(/\d+(?= )/g) ?? []).map(Number)
        : []
    const began = new Promise<void>((resolve) => {
      const watcher = watch(shop.folder, () => {
        if (pids().length < 4) return
        watcher.close()
        resolve()
      })
    })
    const { child, ended } = shop.start()
    // It does not end by itself.
    await Promise.race([began, ended.then(({ output }) => assert.unreachable(output))])
    child.kill('SIGINT')
    const { code, output, last } = await ended
    assert.is(code, 130)
    assert.match(output, /SIGINT: ending system\/endless(-too)?\.test\.ts/)
    assert.match(output, /^ok {3}a\.test\.ts/m)
    assert.not.match(output, 'next.test.ts')
    assert.is(last, '2 passed, 0 failed')
    assert.equal(pids().filter(isAlive), [])
  }),
)

test(
  'after a quiet minute it tells what runs',
  withWorkshop(async (shop) => {
    shop.write(
      'slow.test.ts',
      `import { existsSync } from 'node:fs'
import { test } from 'uvu'
test('a', () => {})
test('b', async () => {
  while (!existsSync(new URL('../go', import.meta.url))) await new Promise(setImmediate)
})
test.run()
`,
    )
    const lines: string[] = []
    let now = 0
    const run = new Run({
      now: () => (now += 30_000),
      noted: () => {},
      print: (line) => {
        lines.push(line)
        if (/1 passed/.test(line)) writeFileSync(shop.path('go'), '')
      },
      share: () => 1,
    })
    await run.all(listTests(shop.folder), 1)
    assert.match(lines.at(-2) ?? '', /^\.\.\. {2}slow\.test\.ts {2}for \d+ (min|s).*, 1 passed: •$/)
    assert.match(lines.at(-1) ?? '', /^ok {3}slow/)
  }),
)

/** Not even a zombie, which only waits for whoever adopted it. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

test.run()
