import { rename, rm } from 'node:fs/promises'
import type { KaitianError } from '@kaitian/errors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { groupsOf, smallTask, tryRun } from '../train/try-run.js'

const test = suite('recovery')

const slowly = () => ({ settings: { alphaMs: 5, betaMs: 0 } })
const inline = { placement: 'inline' as const }

test('more devices than the evaluation has slots for all evaluate', async () => {
  const { summary } = await tryRun({
    options: { groups: groupsOf('sim', [20]), maxSteps: 2 },
    surroundings: inline,
  })
  assert.is(summary.outcome, 'finished')
  assert.is(summary.epochs[0].test?.samples, 130)
})

test('a device that dies while it evaluates leaves its part to another', async () => {
  const task = { ...smallTask, epochs: 1 }
  const killed: Promise<void>[] = []
  const { summary, verdict } = await tryRun({
    options: { groups: groupsOf('sim', [2], () => ({ settings: { alphaMs: 30, betaMs: 0 } })) },
    task,
    on: ({ name, payload }, runtime) => {
      // The evaluation begins in the same turn as this step, the last of the epoch.
      if (name === 'step' && payload.committed === 7) killed.push(runtime.kill('cpu:1'))
    },
  })
  await Promise.all(killed)
  assert.ok(verdict.ok, verdict.summary)
  assert.is(summary.epochs[0].test?.samples, 130)
})

test('maxSteps ends a run in mid-epoch, which is said; a fraction of a step is refused', async () => {
  const options = { groups: groupsOf('sim', [1]), evaluate: false }
  const planned: number[] = []
  const { summary } = await tryRun({
    options: { ...options, maxSteps: 5 },
    surroundings: inline,
    on: ({ name, payload }) => name === 'ready' && planned.push(payload.steps),
  })
  assert.is(summary.steps, 5)
  assert.equal(planned, [5])
  assert.equal(
    summary.epochs.map(({ partial, steps }) => [partial, steps]),
    [[true, 5]],
  )
  const refused = tryRun({ options: { ...options, maxSteps: 1.5 } })
  const error = (await refused.catch((reason: unknown) => reason)) as KaitianError
  assert.is(error.code, 'BAD_ARGUMENT')
})

test('a run that maxSteps ends at an epoch border is not recorded as finished', async () => {
  const { verdict, summary } = await tryRun({
    options: { groups: groupsOf('sim', [1]), evaluate: false, maxSteps: 7 },
    surroundings: inline,
  })
  assert.is(summary.outcome, 'finished')
  assert.is(summary.epochs[0].partial, undefined)
  assert.ok(verdict.ok, verdict.summary)
})

test('a folder that holds a record is refused', async () => {
  let folder = ''
  const run = (record?: string) =>
    tryRun({
      options: { groups: groupsOf('sim', [1]), evaluate: false, maxSteps: 1 },
      surroundings: inline,
      begin: (path) => {
        folder = path
      },
      ...(record === undefined ? {} : { record }),
      keep: record === undefined,
    })
  await run()
  const error = (await run(folder).catch((reason: unknown) => reason)) as KaitianError
  assert.is(error.code, 'BAD_CONFIG')
})

test('a record that can no longer be written ends the run with FILE_WRITE_FAILED', async () => {
  let moved: Promise<void> | undefined
  let folder = ''
  const { summary } = await tryRun({
    options: { groups: groupsOf('sim', [1], slowly), evaluate: false },
    surroundings: inline,
    sampleEvery: 1,
    begin: (recorded) => {
      folder = recorded
    },
    on: ({ name, payload }) => {
      if (name === 'step' && payload.committed === 2) moved = rename(folder, `${folder}-away`)
    },
    judge: false,
  })
  await moved
  await rm(`${folder}-away`, { recursive: true })
  assert.is(summary.outcome, 'failed')
  assert.is(summary.error?.code, 'FILE_WRITE_FAILED')
})

test('NaN gradients end the run with NON_FINITE_GRADIENT and are never committed', async () => {
  const task = {
    ...smallTask,
    optimiser: { ...smallTask.optimiser, learningRate: 1e30, warmupSteps: 0 },
  }
  const { summary, verdict } = await tryRun({
    options: { groups: groupsOf('tfjs', [1, 1]), evaluate: false },
    task,
  })
  assert.is(summary.outcome, 'failed')
  assert.is(summary.error?.code, 'NON_FINITE_GRADIENT')
  assert.ok(verdict.ok, verdict.summary)
})

test.run()
