import { fileURLToPath } from 'node:url'
import { KaitianError, type ErrorRecord } from 'kaitian'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runOnFake } from './command.js'
import { missing, undocumented, type Line } from './json-page.js'

const test = suite('json')

async function linesOf(words: readonly string[], failAfter?: number) {
  const task = fileURLToPath(import.meta.url)
  const ran = runOnFake(
    ['train', task, '--group', 'a=tfjs@cpu*2', '--json', ...words],
    failAfter === undefined ? {} : { failAfter },
  )
  await new Promise<void>((resolve) => ran.runtime.events.once('step', () => resolve()))
  await ran.runtime.api.kill('cpu:1')
  const code = await ran.code
  const lines = ran.text.out.trimEnd().split('\n')
  return { code, lines: lines.map((line) => JSON.parse(line) as Line) }
}

test('every field of every line is documented, with its type', async () => {
  const { lines } = await linesOf([], 4)
  assert.equal(
    new Set(lines.map(({ event }) => event)),
    new Set(['ready', 'generation', 'step', 'fault', 'end']),
  )
  assert.equal(undocumented(lines), [])
})

test('every documented field that must be there is there', async () => {
  const { code, lines } = await linesOf([])
  assert.is(code, 0)
  assert.equal(missing(lines), [])
})

test('the lines come in order, one event each', async () => {
  const { lines } = await linesOf([])
  const events = lines.map(({ event }) => event)
  assert.equal([events[0], events[1], events.at(-1)], ['ready', 'generation', 'end'])
  assert.is(events.filter((event) => event === 'step').length, 10)
  assert.is(events.filter((event) => event === 'epoch').length, 2)
})

test('a run that is refused before it began has its end alone, with the error as a record', async () => {
  const task = fileURLToPath(import.meta.url)
  const cause = new RangeError('because')
  const refuse = new KaitianError('BAD_MODEL', 'No layers.', { cause, fields: { layers: 0 } })
  const ran = runOnFake(['train', task, '--json'], { refuse })
  assert.is(await ran.code, 2)
  assert.is(ran.text.err, 'kaitian: BAD_MODEL: No layers.\n')
  const { event, outcome, error, ...rest } = JSON.parse(ran.text.out) as Line
  assert.equal([event, outcome, rest['generations']], ['end', 'failed', 0])
  const { name, code, message, fields, cause: inner } = error as ErrorRecord
  assert.equal([name, code, message], ['KaitianError', 'BAD_MODEL', 'No layers.'])
  assert.equal([fields, inner?.name, inner?.message], [{ layers: 0 }, 'RangeError', 'because'])
  assert.equal(undocumented([{ event, outcome, error, ...rest }]), [])
})

test.run()
