import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { virtualClock } from '@kaitian/actors'
import { KaitianError, RunHistory, writeReport } from 'kaitian'
import { renderReport, Training } from 'kaitian/testing'
import { checkWritable } from '@kaitian/train'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runOnFake } from './command.js'
import { FakeRuntime, stepEvent } from './fake-runtime.js'

const test = suite<{ folder: string }>('report')

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'kaitian-report-'))
})

test.after(({ folder }) => rmSync(folder, { recursive: true }))

test('the page holds the run, and nothing that a browser would fetch', async ({ folder }) => {
  const file = join(folder, 'report.html')
  const task = fileURLToPath(import.meta.url)
  const ran = runOnFake(['train', task, '--group', 'a=tfjs@cpu*2', '--report', file])
  assert.is(await ran.code, 0)
  const page = readFileSync(file, 'utf8')
  const data = JSON.parse(/id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? '') as {
    runs: {
      curves: { steps: number[]; loss: number[]; devices: { name: string; quota: number[] }[] }
    }[]
  }
  const { steps, loss, devices } = data.runs[0].curves
  assert.equal(steps, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  assert.is(loss[1], 1)
  assert.equal(devices[0].quota.slice(0, 4), [32, 32, 40, 40])
  assert.match(page, /uPlot/)
  assert.match(page, /simulated: 8 ms \+ 0\.5 ms a sample/)
  assert.not.match(page, /\b(?:src|href)\s*=\s*["']/)
  assert.not.match(page, /@import|url\(/)
  assert.match(page, /default-src 'none'/)
  assert.equal(readdirSync(folder), ['report.html'], 'no temporary file is left')
})

test('names and reasons cannot become markup', async () => {
  const training = new Training(async () => new FakeRuntime(), { clock: virtualClock() })
  const history = new RunHistory(training)
  await training.finished
  training.events.emit('fault', { kind: 'down', message: '</script><b>' })
  const page = renderReport({ title: '<b>', runs: [{ name: '"a" & b', history }] })
  assert.match(page, /&lt;b&gt;/)
  assert.match(page, /&quot;a&quot; &amp; b/)
  assert.match(page, /fake &lt;task&gt;/)
  assert.not.match(page, /<task>/)
  assert.not.match(page, /<\/script><b>/)
})

test('a long run is thinned, not cut', async () => {
  const runtime = new FakeRuntime({ epochs: 0 })
  const training = new Training(async () => runtime, { clock: virtualClock() })
  const history = new RunHistory(training)
  const steps = 20_001
  await training.finished
  for (let step = 1; step <= steps; step++) {
    training.events.emit('step', { ...stepEvent(0, 5, step), loss: 3 })
  }
  const curves = history.curves()
  assert.ok(curves.steps.length <= 4096 && curves.steps.length > 1000)
  assert.is(curves.steps.at(-1), steps)
  assert.ok(curves.loss.every((loss) => loss === 3))
  assert.equal(new Set(curves.devices[0].quota), new Set([40]))
})

test('a report that cannot be written says why, before the run', () => {
  assert.throws(
    () => checkWritable('/nowhere/at/all.html'),
    (error: unknown) =>
      error instanceof KaitianError &&
      error.code === 'FILE_WRITE_FAILED' &&
      /does not exist; create it/.test(error.message),
  )
  assert.throws(() => checkWritable(tmpdir()), /is a folder/)
})

test('a failed write is a KaitianError with its cause', async ({ folder }) => {
  const content = { title: 'x', runs: [] }
  const error = await writeReport(join(folder, 'gone', 'x.html'), content).catch(
    (thrown: unknown) => thrown,
  )
  assert.instance(error, KaitianError)
  assert.is((error as KaitianError).fields['reason'], 'ENOENT')
  assert.instance((error as KaitianError).cause, Error)
})

test.run()
