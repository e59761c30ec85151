import type { Context } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import type { PlanReply, PlanRequest, SchedulerProtocol } from '@kaitian/scheduler'
import type { Runtime, StepEvent } from '@kaitian/train'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth } from '../depth.js'
import { fixed, FixedScheduler } from '../train/fixed-scheduler.js'
import { bridges, groupsOf, tryRun } from '../train/try-run.js'

const test = suite('failures')

const options = { groups: groupsOf('tfjs', [2, 2]), seed: 4, evaluate: false }

/** Waits until a device is at a phase of the step, by asking it again and again. */
async function reach(runtime: Runtime, device: string, phase: string): Promise<void> {
  while ((await runtime.inspect(device)).phase !== phase) await new Promise(setImmediate)
}

/** One device computes for hours, if nobody ends it, and the one that waits for it is killed. */
async function killAndRelease(runtime: Runtime): Promise<void> {
  runtime.slow('cpu:1', 1e9)
  await reach(runtime, 'cpu:0', 'reducing')
  runtime.slow('cpu:1', 1)
  await runtime.kill('cpu:0')
}

/** Answers its third plan only when the next was asked for, by an error. */
class StuckScheduler extends FixedScheduler {
  #asked = 0
  #third: ((error: Error) => void) | undefined

  override plan(request: PlanRequest, ctx?: Context<typeof SchedulerProtocol>): PlanReply {
    if (++this.#asked === 3) {
      const answer = ctx!.message.defer<PlanReply>()
      this.#third = (error) => answer.refuse(error)
      return answer as never
    }
    this.#third?.(new KaitianError('INTERNAL', 'a plan for a generation that is over'))
    this.#third = undefined
    return super.plan(request)
  }
}

test('a plan that fails when its generation is over says nothing of the next one', async () => {
  let killed: Promise<void> | undefined
  const { summary, verdict } = await tryRun({
    options: { ...options, groups: groupsOf('sim', [2]), maxSteps: 6 },
    surroundings: {
      scheduler: async (system) => await system.spawn(StuckScheduler, {}, { name: 'scheduler' }),
    },
    on: ({ name, payload }, runtime) => {
      if (name === 'step' && payload.committed === 2) killed = runtime.kill('cpu:1')
    },
  })
  await killed
  assert.ok(verdict.ok, verdict.summary)
  assert.is(summary.outcome, 'finished')
  assert.is(summary.steps, 6)
})

const holding = (mostSamples: number) => () => ({ settings: { mostSamples } })

test('T1 S5 what memory does not hold at once is computed in passes, also what a lost device leaves', async () => {
  const run = { seed: 4, evaluate: false, maxSteps: 8 }
  const whole = await tryRun({ options: { ...run, groups: groupsOf('sim', [2]) } })
  let killed: Promise<void> | undefined
  const { summary, verdict } = await tryRun({
    options: { ...run, groups: groupsOf('sim', [2], holding(12)) },
    on: ({ name, payload }, runtime) => {
      if (name === 'step' && payload.committed === 4) killed = runtime.kill('cpu:1')
    },
  })
  await killed
  assert.ok(verdict.ok, verdict.summary)
  assert.is(summary.outcome, 'finished')
  assert.is(summary.generations, 2)
  assert.is(summary.digests['cpu:0'], whole.summary.digests['cpu:0'])
})

for (const devices of [1, 3]) {
  test(`what all of ${devices} devices meet ends the run with its own code, before it takes each`, async () => {
    const gone = new Set<string>()
    const { summary } = await tryRun({
      // A shard has 4 samples, and is the smallest pass.
      options: { ...options, groups: groupsOf('sim', [devices], holding(2)) },
      on: ({ name, payload }) => {
        if (name === 'fault' && payload.kind === 'down') gone.add(payload.device!)
      },
      judge: false,
    })
    assert.is(summary.outcome, 'failed')
    assert.is(summary.error?.code, 'OUT_OF_MEMORY')
    assert.match(summary.error!.message, /^cpu:\d.* failed.*The sim engine holds 2 samples, not 4/)
    assert.ok(gone.size <= 2, [...gone].join())
  })
}

for (const bridge of depth({ cut: bridges.slice(-1), full: bridges })) {
  test(`T1 T3 a device killed while it computes is survived, over ${bridge}`, async () => {
    let killed: Promise<void> | undefined
    const { summary, verdict } = await tryRun({
      options: { ...options, bridge },
      on: ({ name, payload }, runtime) => {
        if (name === 'step' && payload.committed === 3) killed = runtime.kill('cpu:3')
      },
    })
    await killed
    assert.ok(verdict.ok, verdict.summary)
    assert.is(summary.outcome, 'finished')
    assert.is(summary.generations, 2)
    assert.equal(Object.keys(summary.digests), ['cpu:0', 'cpu:1', 'cpu:2'])
  })

  test(`T1 T3 a computation ends with its attempt, and its device goes on, over ${bridge}`, async () => {
    const deeds: Promise<void>[] = []
    const { summary, verdict } = await tryRun({
      options: { ...options, bridge, groups: groupsOf('sim', [1, 1]), maxSteps: 6 },
      on: ({ name, payload }, runtime) => {
        if (name !== 'step' || payload.committed !== 2) return
        deeds.push(killAndRelease(runtime))
      },
    })
    await Promise.all(deeds)
    assert.ok(verdict.ok, verdict.summary)
    assert.is(summary.outcome, 'finished')
    assert.is(summary.generations, 2)
    assert.equal(Object.keys(summary.digests), ['cpu:1'])
  })

  test(`T1 T3 C4 a device killed inside the barrier is survived, over ${bridge}`, async () => {
    let killed: Promise<void> | undefined
    const slow = (group: number) => (group === 1 ? { pace: { alphaMs: 400, betaMs: 0 } } : {})
    const { summary, verdict } = await tryRun({
      options: { ...options, bridge, groups: groupsOf('tfjs', [2, 2], slow), maxSteps: 6 },
      on: ({ name, payload }, runtime) => {
        if (name !== 'step' || payload.committed !== 2) return
        killed = reach(runtime, 'cpu:1', 'reducing').then(async () => await runtime.kill('cpu:1'))
      },
    })
    await killed
    assert.ok(verdict.ok, verdict.summary)
    assert.is(summary.outcome, 'finished')
    assert.is(summary.generations, 2)
    assert.equal(Object.keys(summary.digests), ['cpu:0', 'cpu:2', 'cpu:3'])
  })

  test(`T1 a whole group may die; the other goes on alone, over ${bridge}`, async () => {
    const killed: Promise<void>[] = []
    const { summary, verdict } = await tryRun({
      options: { ...options, bridge, groups: groupsOf('sim', [1, 2]) },
      on: ({ name, payload }, runtime) => {
        if (name !== 'step' || payload.committed !== 4) return
        killed.push(runtime.kill('cpu:1'), runtime.kill('cpu:2'))
      },
    })
    await Promise.all(killed)
    assert.ok(verdict.ok, verdict.summary)
    assert.is(summary.outcome, 'finished')
    assert.equal(Object.keys(summary.digests), ['cpu:0'])
  })

  test(`the last device dying ends the run with NO_DEVICES_LEFT, over ${bridge}`, async () => {
    let killed: Promise<void> | undefined
    const { summary, verdict } = await tryRun({
      options: { ...options, bridge, groups: groupsOf('sim', [1]) },
      on: ({ name, payload }, runtime) => {
        if (name === 'step' && payload.committed === 2) killed = runtime.kill('cpu:0')
      },
    })
    await killed
    assert.is(summary.outcome, 'failed')
    assert.is(summary.error?.code, 'NO_DEVICES_LEFT')
    assert.ok(verdict.ok, verdict.summary)
  })

  test(`C4 a device that stalls is given up after the deadline, by name, over ${bridge}`, async () => {
    const faults: string[] = []
    const { summary, verdict } = await tryRun({
      options: {
        ...options,
        bridge,
        groups: groupsOf('sim', [2, 1]),
        // The others come within this, on a busy machine too.
        deadlineMs: 15_000,
        maxSteps: 6,
      },
      surroundings: { scheduler: fixed({ 'cpu:0': 1, 'cpu:1': 1, 'cpu:2': 1 }) },
      on: ({ name, payload }, runtime) => {
        if (name === 'fault' && payload.kind === 'down') faults.push(payload.device ?? '')
        if (name === 'step' && payload.committed === 2) runtime.slow('cpu:1', 1e9)
      },
    })
    assert.equal(faults, ['cpu:1'])
    assert.ok(verdict.ok, verdict.summary)
    assert.is(summary.outcome, 'finished')
  })
}

test('stop ends the run between steps, and says where it stood', async () => {
  const steps: StepEvent[] = []
  const { summary } = await tryRun({
    options: { ...options, groups: groupsOf('sim', [1, 1]) },
    on: ({ name, payload }, runtime) => {
      if (name !== 'step') return
      steps.push(payload)
      if (payload.committed === 3) runtime.stop()
    },
  })
  assert.is(summary.outcome, 'stopped')
  assert.is(summary.steps, steps.length)
  assert.ok(summary.steps < 12)
  const { partial, steps: committed } = summary.epochs.at(-1)!
  assert.equal([partial, committed], [true, summary.steps])
})

test.run()
