import { seededRandom } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { controllerPolicy, judge, ownWorlds, parseWorld, simulate } from '@kaitian/scheduler'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('worlds')
const worlds = ownWorlds()

const plain = {
  name: 'plain',
  globalBatch: 64,
  steps: 10,
  devices: [{ name: 'd0', alpha: 0.1, beta: 0.01 }],
  noise: { sigma: 0 },
  communication: 0.5,
  events: [],
}

test('the package brings thirteen worlds', () => {
  assert.is(worlds.length, 13)
  assert.is(new Set(worlds.map(({ name }) => name)).size, 13)
})

test('a world that is not valid is refused by the field that is wrong', () => {
  const refusedAt = (json: unknown, field: RegExp) =>
    assert.throws(
      () => parseWorld(json),
      (error: unknown) =>
        error instanceof KaitianError && error.code === 'BAD_CONFIG' && field.test(error.message),
    )
  refusedAt({ ...plain, steps: 0 }, /at steps/)
  refusedAt({ ...plain, devices: [{ name: 'd0', alpha: 0, beta: 0 }] }, /at devices\.0\.beta/)
  refusedAt({ ...plain, events: [{ kind: 'leave', device: 1, at: 3 }] }, /leave event/)
  refusedAt('nonsense', /not valid/)
})

test('curves and events shape the mean times', () => {
  const world = parseWorld({
    ...plain,
    steps: 12,
    devices: [
      { name: 'stairs', alpha: 1, beta: 1, curve: { kind: 'stairs', width: 8 } },
      { name: 'floor', alpha: 0, beta: 1, curve: { kind: 'floor', below: 6 } },
    ],
    events: [
      { kind: 'scale', device: 0, from: 2, to: 4, factor: 3 },
      { kind: 'ramp', device: 1, from: 4, to: 8, factor: 2 },
      { kind: 'periodic', device: 0, period: 4, duty: 0.5, phase: 6, factor: 10 },
      { kind: 'leave', device: 1, at: 9 },
      { kind: 'join', device: 1, at: 11 },
    ],
  })
  const steps = [...simulate(world, seededRandom('curves'))]
  const means = (device: number, samples: number) => steps.map((step) => step.mean(device, samples))
  assert.equal(means(0, 9), [17, 17, 51, 51, 17, 17, 170, 170, 17, 17, 170, 170])
  assert.equal(means(1, 2), [6, 6, 6, 6, 6, 7.5, 9, 10.5, 12, 12, 12, 12])
  assert.equal(
    steps.map(({ present }) => present[1]),
    [...Array.from({ length: 9 }, () => true), false, false, true],
  )
  assert.is(steps[0].mean(0, 0), 0)
})

test('noise has mean 1, and the same seed draws the same', () => {
  const world = parseWorld({ ...plain, steps: 20_000, noise: { sigma: 0.3 } })
  const noise = () =>
    Array.from(simulate(world, seededRandom('noise')), (s) => s.measured(0, 9) / s.mean(0, 9))
  const drawn = noise()
  assert.equal(noise(), drawn)
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length
  assert.ok(Math.abs(mean - 1) < 0.01, String(mean))
})

test('the judge adds up hand-made steps', () => {
  const world = parseWorld({
    ...plain,
    devices: [
      { name: 'd0', alpha: 0, beta: 0.01 },
      { name: 'd1', alpha: 0, beta: 0.03 },
    ],
  })
  const verdict = judge(world, controllerPolicy({ policy: 'even' }), 0)
  assert.ok(Math.abs(verdict.seconds - 10 * (0.5 + 32 * 0.03)) < 1e-9)
  assert.ok(Math.abs(verdict.oracleSeconds - 10 * (0.5 + 48 * 0.01)) < 1e-9)
  assert.is(verdict.moves, 0)
})

test('in every world the adaptive split is no more than 2% behind even, and ahead in the mean', () => {
  const ratios = worlds.map((world) => {
    const shorter = { ...world, steps: 1100 }
    const play = (policy: 'adaptive' | 'even') =>
      judge(shorter, controllerPolicy({ policy }, 4), 1).ratio
    const [adaptive, even] = [play('adaptive'), play('even')]
    assert.ok(adaptive <= 1.02 * even, `${world.name}: ${adaptive} against ${even}`)
    return { adaptive, even }
  })
  const mean = (pick: 'adaptive' | 'even') =>
    ratios.reduce((sum, ratio) => sum + ratio[pick], 0) / ratios.length
  assert.ok(mean('adaptive') < 1.03, `adaptive ${mean('adaptive')} of the oracle`)
  assert.ok(mean('even') > 1.4, `even ${mean('even')} of the oracle`)
})

test('where all devices are alike the adaptive split costs at most 1% over even', () => {
  const device = { alpha: 0.1, beta: 0.005 }
  const world = parseWorld({
    ...plain,
    globalBatch: 512,
    steps: 500,
    devices: ['d0', 'd1', 'd2', 'd3'].map((name) => ({ name, ...device })),
    noise: { sigma: 0.02 },
    communication: 0,
  })
  for (let seed = 0; seed < 5; seed++) {
    const adaptive = judge(world, controllerPolicy(), seed).ratio
    const even = judge(world, controllerPolicy({ policy: 'even' }), seed).ratio
    assert.ok(adaptive <= 1.01 * even, `${adaptive} against ${even} with seed ${seed}`)
  }
})

test.run()
