import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth, everyNth } from '../depth.js'
import { fixed } from '../train/fixed-scheduler.js'
import { bridges, groupsOf, tryRun, type TryOptions } from '../train/try-run.js'

const test = suite('deterministic mode')

/** A kill in the midst of them, and more than one epoch of seven. */
const STEPS = depth({ cut: 16, full: 50 })
const KILL_AT = 9
const options = { deterministic: true, epochs: 8, maxSteps: STEPS, seed: 5, evaluate: false }

/** The digest that all devices end with, once the checker has found nothing. */
async function digestOf(run: TryOptions): Promise<string> {
  const { summary, verdict } = await tryRun({ sampleEvery: STEPS / 2, ...run })
  assert.ok(verdict.ok, verdict.summary)
  assert.is(summary.steps, STEPS)
  const digests = new Set(Object.values(summary.digests))
  assert.is(digests.size, 1, 'devices ended with different bits')
  return [...digests][0]
}

const four = groupsOf('tfjs', [2, 2])
const weights = (...all: number[]) =>
  fixed(Object.fromEntries(all.map((weight, device) => [`cpu:${device}`, weight])))

let alone = ''

test('S5 one device sets the bits', async () => {
  alone = await digestOf({ options: { ...options, groups: groupsOf('tfjs', [1]) } })
})

for (const split of everyNth(3, [
  [1, 2, 5, 8],
  [1, 1, 1, 1],
  [16, 0, 0, 0],
])) {
  test(`S5 four devices split ${split.join(':')} end with the same bits`, async () => {
    const surroundings = { scheduler: weights(...split) }
    assert.is(await digestOf({ options: { ...options, groups: four }, surroundings }), alone)
  })
}

test('S5 the adaptive scheduler ends with the same bits', async () => {
  assert.is(await digestOf({ options: { ...options, groups: four } }), alone)
})

test('S5 the TypeScript collectives end with the same bits', async () => {
  const { groups, ...rest } = { ...options, groups: four }
  assert.is(await digestOf({ options: { ...rest, groups, backend: 'typescript' } }), alone)
})

for (const bridge of depth({ cut: bridges.slice(-1), full: bridges })) {
  test(`S5 groups that reduce over ${bridge} end with the same bits`, async () => {
    assert.is(await digestOf({ options: { ...options, groups: four, bridge } }), alone)
  })
}

test('T2 a device killed in mid-run changes no bit', async () => {
  const digest = await digestOf({
    options: { ...options, groups: four },
    on: ({ name, payload }, runtime) => {
      if (name === 'step' && payload.committed === KILL_AT) void runtime.kill('cpu:2')
    },
  })
  assert.is(digest, alone)
})

test.run()
