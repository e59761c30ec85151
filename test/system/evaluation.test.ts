import type { TrainEvents } from '@kaitian/train'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { groupsOf, tryRun, type TryOptions } from '../train/try-run.js'

const test = suite('evaluation')
const run = { seed: 4, epochs: 1, maxSteps: 3, batch: 8 }

async function faultsOf(options: TryOptions) {
  const faults: TrainEvents['fault'][] = []
  const outcome = await tryRun({
    ...options,
    on: (event, runtime) => {
      if (event.name === 'fault') faults.push(event.payload)
      options.on?.(event, runtime)
    },
  })
  return { ...outcome, faults }
}

test('evaluating may take longer than a step may: it has the time that the measured speed gives it', async () => {
  // A part of 128 samples takes 1.3 s; to answer anything else a device has 0.9 s.
  const slow = () => ({ settings: { betaMs: 30 } })
  const options = { ...run, groups: groupsOf('sim', [2], slow), deadlineMs: 1500 }
  const { summary, verdict, faults } = await faultsOf({ options })
  assert.ok(verdict.ok, verdict.summary)
  assert.equal(faults, [])
  assert.is(summary.generations, 1)
  assert.is(summary.epochs[0].test?.samples, 130)
})

test('what memory does not hold at once is evaluated in parts, with the same sums', async () => {
  const groups = (mostSamples?: number) =>
    groupsOf('sim', [2], () => (mostSamples === undefined ? {} : { settings: { mostSamples } }))
  const whole = await tryRun({ options: { ...run, groups: groups() } })
  const parts = await tryRun({ options: { ...run, groups: groups(9) } })
  assert.ok(parts.verdict.ok, parts.verdict.summary)
  assert.equal(parts.summary.epochs[0].test, whole.summary.epochs[0].test)
})

test('a device that is lost while it evaluates leaves its part to another, and is told of', async () => {
  const slow = () => ({ settings: { betaMs: 3 } })
  let killed: Promise<void> | undefined
  const { summary, verdict, faults } = await faultsOf({
    options: { ...run, groups: groupsOf('sim', [2], slow) },
    on: ({ name, payload }, runtime) => {
      if (name === 'step' && payload.committed === run.maxSteps) killed = runtime.kill('cpu:1')
    },
  })
  await killed
  assert.ok(verdict.ok, verdict.summary)
  assert.is(summary.epochs[0].test?.samples, 130)
  const told = faults.find(({ kind }) => kind === 'unevaluated')
  assert.match(told!.message, /^cpu:1 did not evaluate its part of the test set: /)
})

test.run()
