import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bridges, groupsOf, tryRun } from './try-run.js'

const test = suite('loops')
const fixture = (name: string): string => new URL(`./fixtures/${name}.js`, import.meta.url).href

for (const bridge of bridges) {
  test(`T1 T3 a loop of one's own asks for steps, and survives what devices do, over ${bridge}`, async () => {
    const logged: unknown[] = []
    const rates: number[] = []
    let killed: Promise<void> | undefined
    const { summary, verdict } = await tryRun({
      options: { groups: groupsOf('sim', [2, 1]), bridge, loop: fixture('own-loop') },
      on: ({ name, payload }, runtime) => {
        if (name === 'log') logged.push(payload.entry)
        if (name !== 'step') return
        rates.push(payload.learningRate)
        if (payload.committed === 3) killed = runtime.kill('cpu:1')
      },
    })
    await killed
    assert.ok(verdict.ok, verdict.summary)
    assert.is(summary.outcome, 'finished')
    assert.is(summary.steps, 7)
    assert.equal(rates.slice(0, 2), [0.5, 0.25])
    assert.equal(logged[0], { message: 'of 7 steps an epoch' })
    const [last] = logged.slice(-1) as [{ devices: string[]; loss: number }]
    assert.equal(last.devices, ['cpu:0', 'cpu:2'])
    assert.is(last.loss, summary.epochs[0].test!.loss)
  })
}

test('the steps that maxSteps asks for are all that any loop makes', async () => {
  const { summary, verdict } = await tryRun({
    options: { groups: groupsOf('sim', [1]), loop: fixture('own-loop'), maxSteps: 3 },
  })
  assert.ok(verdict.ok, verdict.summary)
  assert.is(summary.outcome, 'finished')
  assert.is(summary.error, undefined)
  assert.is(summary.steps, 3)
})

test('what a loop throws ends the run with its own words', async () => {
  const { summary } = await tryRun({
    options: { groups: groupsOf('sim', [1]), loop: fixture('failing-loop') },
  })
  assert.is(summary.outcome, 'failed')
  assert.is(summary.error?.code, 'LOOP_FAILED')
  assert.match(summary.error!.message, /The loop failed: the third step is enough/)
  assert.is(summary.steps, 2)
})

test('two steps at once are refused, and the first goes on', async () => {
  const { summary } = await tryRun({
    options: { groups: groupsOf('sim', [1]), loop: fixture('hasty-loop') },
  })
  assert.is(summary.outcome, 'finished')
  assert.is(summary.steps, 1)
})

test('a module without a loop is refused before anything starts', async () => {
  const options = { groups: groupsOf('sim', [1]), loop: fixture('no-loop') }
  const error = await tryRun({ options }).then(
    () => undefined,
    (refusal: unknown) => refusal as { code: string; message: string },
  )
  assert.is(error?.code, 'BAD_LOOP')
  assert.match(error!.message, /export default defineLoop/)
})

test.run()
