import { loadBackend } from '@kaitian/comm-native'
import { Bench, COLLECTIVE_NAMES } from 'kaitian/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runCommand, runOnFake } from './command.js'
import { missing, undocumented, type Line } from './json-page.js'

// The command over real ranks; without the native core there is nothing to measure.

const test = suite('bench run')
const isNative = loadBackend().implementation === 'native'
const native = (name: string, run: () => Promise<void>): void =>
  isNative ? test(name, run) : test.skip(name, run)
const short = ['--min', '4KiB', '--max', '64KiB', '--iterations', '3']

test('bad input ends with 2 and one line that says what to do', async () => {
  const cases = [
    [],
    ['allsum'],
    ['allreduce', '--min', 'small'],
    ['allreduce', '--min', '1MiB', '--max', '4KiB'],
    ['allreduce', '--min', '6'],
    ['allreduce', '--op', 'avg', '--dtype', 'i32'],
    ['allreduce', '--op', 'xor'],
    ['allreduce', '--ranks', '0'],
    ['allreduce', '--ranks', '2', '--groups', '1,1'],
    ['allreduce', '--groups', '2;2'],
    ['broadcast', '--op', 'sum'],
  ]
  for (const words of cases) {
    const ran = runOnFake(['bench', ...words])
    assert.is(await ran.code, 2, words.join(' '))
    assert.match(ran.text.err, /^kaitian: BAD_ARGUMENT: [^\n]+\n$/, words.join(' '))
    assert.is(ran.text.out, '', words.join(' '))
  }
})

native('as a process: two ranks, a table, nothing wrong', async () => {
  const { code, out, err } = await runCommand(['bench', 'allreduce', ...short])
  assert.equal([code, err], [0, ''])
  assert.is(out.match(/^ +\d+ +\d+ +f32 +sum +-1 .* 0 .* 0$/gm)?.length, 3)
  assert.match(out, /\n# total wrong: 0\n# average bus bandwidth: \d+\.\d\d GB\/s\n$/)
})

native('groups, as JSON lines: as documented', async () => {
  const words = ['--groups', '1,1', '--warmup', '0', '--json']
  const ran = runOnFake(['bench', 'reduce', ...short, ...words])
  assert.is(await ran.code, 0)
  const lines = ran.text.out.trimEnd().split('\n')
  const events = lines.map((line) => JSON.parse(line) as Line)
  assert.equal(
    events.map(({ event }) => event),
    ['start', 'size', 'size', 'size', 'end'],
  )
  assert.equal(undocumented(events, 'bench'), [])
  assert.equal(missing(events, 'bench'), [])
  assert.equal(events[0]['groups'], [1, 1])
  assert.is(ran.listening(), 0)
})

native('every collective gives what it must, also of three ranks', async () => {
  for (const collective of COLLECTIVE_NAMES) {
    const ran = runOnFake(['bench', collective, '--ranks', '3', ...short])
    assert.is(await ran.code, 0, collective)
    assert.match(ran.text.out, /\n# total wrong: 0\n/, collective)
  }
})

native('a wrong result is counted, and ends with 1', async () => {
  const module = new URL('./fixtures/doubting-rank.js', import.meta.url)
  const words = ['bench', 'allreduce', '--max', '4KiB', '--iterations', '2']
  const ran = runOnFake(words, {}, { bench: (options) => new Bench(options, module) })
  assert.is(await ran.code, 1)
  assert.match(ran.text.out, /\n# total wrong: 6\n/)
  assert.match(ran.text.err, /^kaitian: RESULT_WRONG: 6 elements [^\n]+\n$/)
})

native('Ctrl-C ends a measurement under way', async () => {
  const ran = runOnFake(
    ['bench', 'allreduce', '--max', '4KiB', '--iterations', '1000000000'],
    {},
    {
      bench: (options) => {
        const bench = new Bench(options)
        bench.events.on('start', () => setImmediate(() => ran.signal('SIGINT')))
        return bench
      },
    },
  )
  assert.is(await ran.code, 130)
  assert.match(ran.text.out, /\ninterrupted \(SIGINT\) after 0 of 1 size\n$/)
  assert.equal(ran.deaths, [])
  assert.is(ran.listening(), 0)
})

test.run()
