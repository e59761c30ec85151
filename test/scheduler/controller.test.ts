import { KaitianError } from '@kaitian/errors'
import { createController, observe, plan, solve, type Plan } from '@kaitian/scheduler'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Cluster, trueMs, type SimDevice } from './cluster.js'

const test = suite('controller')
const runs = { numRuns: 200, seed: 42 }

const oneFast = (): SimDevice[] => [
  { name: 'cuda:0', fixedMs: 10, msPerSample: 0.5 },
  { name: 'cpu:0', fixedMs: 10, msPerSample: 1 },
  { name: 'cpu:1', fixedMs: 10, msPerSample: 1 },
]

function optimum(cluster: Cluster): number {
  const devices = cluster.devices.map((device) => ({
    name: device.name,
    time: (samples: number) => trueMs(device, samples),
  }))
  return solve({ size: cluster.size, shardSize: cluster.shardSize }, devices).makespan
}

test('S1 S2 any history of times, sizes and members gives quotas that fill the step within caps', () => {
  const event = fc.record({
    size: fc.integer({ min: 1, max: 60 }),
    shardSize: fc.integer({ min: 1, max: 5 }),
    present: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    caps: fc.array(fc.option(fc.integer({ min: 0, max: 80 }), { nil: undefined }), {
      minLength: 4,
      maxLength: 4,
    }),
    times: fc.array(fc.double({ min: 0, max: 1e6 }), { minLength: 4, maxLength: 4 }),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      let state = createController()
      for (const { size, shardSize, present, caps, times } of events) {
        const devices = [0, 1, 2, 3].flatMap((i) => {
          const cap = caps[i]
          return present[i]
            ? { name: `sim:${i}`, group: 'sim', ...(cap === undefined ? {} : { cap }) }
            : []
        })
        let next
        try {
          next = plan(state, { size, shardSize, firstShard: 7, devices })
        } catch (error) {
          const codes = ['BAD_CONFIG', 'NO_DEVICES_LEFT']
          assert.ok(error instanceof KaitianError && codes.includes(error.code), String(error))
          continue
        }
        checkPlan(next.plan, size, 7, devices)
        const reports = devices.map(({ name }, i) => ({
          device: name,
          samples: next.plan.quotas[name],
          computeMs: times[i],
        }))
        state = observe(next.state, reports)
      }
    }),
    runs,
  )
})

function checkPlan(
  { quotas, shards, reason }: Plan,
  size: number,
  firstShard: number,
  devices: { name: string; cap?: number }[],
): void {
  let samples = 0
  let next = firstShard
  for (const { name, cap = Infinity } of devices) {
    assert.ok(Number.isInteger(quotas[name]) && quotas[name] >= 0 && quotas[name] <= cap)
    samples += quotas[name]
    assert.is(shards[name].first, next, 'runs of shards follow each other in device order')
    next += shards[name].count
  }
  assert.is(samples, size)
  assert.is(Object.keys(quotas).length, devices.length)
  assert.ok(reason.length > 0)
}

test('the first split is even and says why', () => {
  const first = new Cluster(oneFast()).plan()
  assert.equal(first.quotas, { 'cuda:0': 88, 'cpu:0': 84, 'cpu:1': 84 })
  assert.is(first.reason, 'no measurements yet: even split')
  assert.is(first.predictedMs, undefined)
})

test('cold start: within 1% of the optimum by the fourth plan, at 2% noise by the sixth', () => {
  const exact = new Cluster(oneFast(), { shardSize: 1 })
  assert.ok(exact.trueMakespan(exact.steps(4)[3]) <= 1.01 * optimum(exact))
  const ratios = Array.from({ length: 20 }, (_, seed) => {
    const noisy = new Cluster(oneFast(), { shardSize: 1, noise: 0.02, seed })
    return noisy.trueMakespan(noisy.steps(6)[5]) / optimum(noisy)
  })
  assert.ok(ratios.reduce((sum, ratio) => sum + ratio, 0) / 20 <= 1.02, ratios.join())
})

test('S4 a device that becomes twice as slow is named, and its share moved within 3 steps', () => {
  for (let seed = 0; seed < 20; seed++) {
    const cluster = new Cluster(oneFast(), { noise: 0.02, seed })
    cluster.steps(40)
    cluster.devices[0] = { name: 'cuda:0', fixedMs: 20, msPerSample: 1 }
    const after = cluster.steps(4)
    const change = after.find(({ reason }) => /^cuda:0 is [\d.]+× slower than before/.test(reason))
    assert.ok(change !== undefined, after.map(({ reason }) => reason).join('\n'))
    assert.match(change.reason, /: \d+ → \d+ samples; predicted step \d+ → \d+ ms$/)
    assert.ok(change.gain! > 0.1, 'the gain is stated')
    const recovered = cluster.trueMakespan(after[3]) / optimum(cluster)
    assert.ok(recovered < 1.06, `${recovered} of the optimum with seed ${seed}`)
  }
})

test('S4 every plan that moves quotas differs from the last decision, says so and predicts', () => {
  const cluster = new Cluster(oneFast(), { noise: 0.1, shardSize: 1 })
  const [, ...plans] = cluster.steps(300)
  assert.ok(plans.some(({ changed }) => changed) && plans.some(({ changed }) => !changed))
  for (const { changed, reason, previous, quotas, gain, predictedMs } of plans) {
    assert.is(reason.startsWith('unchanged'), !changed, reason)
    assert.is(previous === undefined, !changed)
    if (!changed) continue
    assert.not.equal(previous, quotas)
    assert.match(reason, /predicted step .+ ms/)
    assert.ok(gain! > 0 && predictedMs! > 0)
  }
})

test('quotas rest under 2% noise', () => {
  const moves = Array.from({ length: 20 }, (_, seed) => {
    const cluster = new Cluster(oneFast(), { noise: 0.02, seed })
    cluster.steps(20)
    return cluster.steps(1000).filter(({ changed }) => changed).length
  })
  assert.ok(Math.max(...moves) <= 20, `moves in 1000 steps, by seed: ${moves.join()}`)
})

test('hysteresis rests on the noise: without it quotas would move far more often', () => {
  const moves = (leastGain: number, noise: number) => {
    const cluster = new Cluster(oneFast(), { size: 512, shardSize: 1, noise, leastGain })
    cluster.steps(20)
    return cluster.steps(1000).filter(({ changed }) => changed).length
  }
  assert.ok(moves(0.005, 0.02) <= 80, `${moves(0.005, 0.02)} moves in 1000 steps at 2% noise`)
  assert.ok(moves(0.05, 0.02) < moves(0.005, 0.02), 'a larger leastGain moves less')
  // At 10% noise the standard error, not leastGain, is what holds quotas still.
  assert.ok(moves(0, 0.1) <= 200, `${moves(0, 0.1)} moves in 1000 steps at 10% noise`)
})

test('S4 a device too slow for any sample is measured again later, and taken back in when it recovers', () => {
  const cluster = new Cluster(oneFast())
  cluster.steps(10)
  cluster.devices[1] = { name: 'cpu:0', fixedMs: 4000, msPerSample: 1 }
  const slow = cluster.steps(70)
  assert.is(slow[69].quotas['cpu:0'], 0)
  const visits = slow.filter(({ reason }) => reason.includes('cpu:0 was too slow for long'))
  assert.equal(
    visits.map(({ quotas }) => quotas['cpu:0']),
    [4, 4, 4],
    'after 16, 32 and 64 steps, of one shard each',
  )
  cluster.devices[1] = { name: 'cpu:0', fixedMs: 10, msPerSample: 1 }
  cluster.steps(70)
  assert.ok(cluster.trueMakespan(cluster.plan()) <= 1.02 * optimum(cluster))
})

const alike = (count: number, fixedMs: number): SimDevice[] =>
  Array.from({ length: count }, (_, i) => ({ name: `sim:${i}`, fixedMs, msPerSample: 1 }))

/** The first device takes `factor` times as long in the next steps. */
function hiccup(cluster: Cluster, factor: number, steps: number): Plan[] {
  const [healthy] = cluster.devices
  const { name, fixedMs, msPerSample } = healthy
  cluster.devices[0] = { name, fixedMs: factor * fixedMs, msPerSample: factor * msPerSample }
  const plans = cluster.steps(steps)
  cluster.devices[0] = healthy
  return plans
}

for (const [fixedMs, factor, count] of [0, 5, 40, 200].flatMap((fixed) =>
  [3, 30, 1000].flatMap((times) => [2, 3, 8].map((devices) => [fixed, times, devices])),
)) {
  test(`a first time ${factor} times too long is soon forgotten: ${count} devices, ${fixedMs} ms a step`, () => {
    const cluster = new Cluster(alike(count, fixedMs), { size: 16 * count, noise: 0.01 })
    hiccup(cluster, factor, 1)
    const after = cluster.steps(8)
    assert.ok(after.every(({ quotas }) => quotas['sim:0'] > 0))
    assert.ok(cluster.trueMakespan(cluster.plan()) <= 1.1 * optimum(cluster))
  })
}

test('also when the first steps were all too long, as while caches fill', () => {
  for (const fixedMs of [0, 5, 40]) {
    for (const steps of [2, 3, 5]) {
      const cluster = new Cluster(alike(2, fixedMs), { size: 32, noise: 0.01 })
      hiccup(cluster, 30, steps)
      cluster.steps(40)
      const ratio = cluster.trueMakespan(cluster.plan()) / optimum(cluster)
      assert.ok(ratio <= 1.1, `${fixedMs} ms a step, ${steps} bad ones: ${ratio}`)
    }
  }
})

test('S4 a device that is slow indeed costs one more look, with a reason', () => {
  const cluster = new Cluster([...alike(2, 1), { name: 'slow:0', fixedMs: 1, msPerSample: 30 }])
  const [, look, ...rest] = cluster.steps(15)
  assert.match(look.reason, /slow:0 was slow in its only time and is measured again/)
  assert.is(look.quotas['slow:0'], 40, 'half an even share')
  assert.ok(rest.every(({ quotas }) => quotas['slow:0'] <= 4))
  assert.ok(cluster.trueMakespan(cluster.plan()) <= 1.02 * optimum(cluster))
})

test('a short last step is dealt from the same beliefs and moves nothing', () => {
  const cluster = new Cluster(oneFast())
  const settled = cluster.steps(10)[9]
  cluster.size = 50
  const short = cluster.step()
  assert.is(
    Object.values(short.quotas).reduce((sum, quota) => sum + quota, 0),
    50,
  )
  assert.not(short.changed)
  assert.match(short.reason, /^50 samples instead of 256; unchanged/)
  cluster.size = 256
  assert.equal(cluster.step().quotas, settled.quotas)
})

test('S4 when a device leaves, the survivors take its samples at once', () => {
  const cluster = new Cluster(oneFast())
  cluster.steps(10)
  cluster.devices.splice(1, 1)
  const after = cluster.plan()
  assert.match(after.reason, /^cpu:0 left: .* predicted step \d+ ms$/)
  assert.ok(cluster.trueMakespan(after) <= 1.02 * optimum(cluster))
  assert.is(after.quotas['cpu:0'], undefined)
})

test('S4 a device that joins is probed with half an even share, then given its due', () => {
  const cluster = new Cluster(oneFast().slice(0, 2))
  cluster.steps(10)
  cluster.devices.push({ name: 'cpu:1', fixedMs: 10, msPerSample: 1 })
  const probe = cluster.step()
  assert.is(probe.quotas['cpu:1'], 40, '64 shards ÷ 3 devices ÷ 2, in samples')
  assert.match(probe.reason, /^cpu:1 joined and is probed with 40 samples: /)
  const settled = cluster.steps(3)
  assert.match(settled[0].reason, /^cpu:1 is measured: 40 → \d+ samples; predicted step/)
  assert.ok(cluster.trueMakespan(settled[2]) <= 1.02 * optimum(cluster))
})

test('a device may be called as any property of an object is', () => {
  const odd = ['constructor', 'toString', '__proto__']
  const [plain, strange] = [oneFast(), oneFast()].map((devices) => devices.slice(0, 3))
  const clusters = [
    new Cluster(plain),
    new Cluster(strange.map((device, i) => ({ ...device, name: odd[i] }))),
  ]
  const [expected, given] = clusters.map((cluster) => {
    const plans = cluster.steps(20)
    cluster.devices.splice(1, 1)
    return [...plans, ...cluster.steps(5)].map(({ quotas }) => Object.values(quotas))
  })
  assert.equal(given, expected)
})

test('a device that left and came back is measured anew', () => {
  const cluster = new Cluster(oneFast())
  cluster.steps(10)
  const [gone] = cluster.devices.splice(0, 1)
  cluster.steps(2)
  cluster.devices.unshift({ ...gone, msPerSample: 2 })
  assert.match(cluster.step().reason, /^cuda:0 joined and is probed/)
  cluster.steps(3)
  assert.ok(cluster.trueMakespan(cluster.plan()) <= 1.03 * optimum(cluster))
})

test('S2 a cap that appears is kept and named', () => {
  const cluster = new Cluster(oneFast())
  cluster.steps(10)
  cluster.devices[0].cap = 60
  const { quotas, reason } = cluster.plan()
  assert.is(quotas['cuda:0'], 60)
  assert.match(reason, /^cuda:0 may take 60 samples at most: \d+ → 60 samples/)
})

test('probes yield where the others cannot hold the rest', () => {
  const cluster = new Cluster(
    oneFast()
      .slice(1)
      .map((device) => ({ ...device, cap: 128 })),
  )
  cluster.steps(2)
  cluster.devices[0] = { name: 'cpu:9', fixedMs: 10, msPerSample: 1, cap: 128 }
  assert.equal(cluster.plan().quotas, { 'cpu:9': 128, 'cpu:1': 128 })
})

test('the even policy keeps even, whatever it measures', () => {
  const cluster = new Cluster(oneFast(), { policy: 'even', noise: 0.3 })
  const plans = cluster.steps(50)
  for (const { quotas } of plans) assert.equal(quotas, plans[0].quotas)
  assert.is(plans[9].reason, 'even split by policy')
})

test('times that mean nothing are ignored', () => {
  const cluster = new Cluster(oneFast())
  cluster.steps(3)
  const odd = [
    { device: 'cuda:0', samples: 0, computeMs: 5 },
    { device: 'cuda:0', samples: 8, computeMs: NaN },
    { device: 'cuda:0', samples: 8, computeMs: 0 },
    { device: 'stranger:0', samples: 8, computeMs: 5 },
  ]
  assert.equal(observe(cluster.state, odd), cluster.state)
})

test('the state is plain data: a clone of it decides the same', () => {
  const cluster = new Cluster(oneFast(), { noise: 0.05 })
  cluster.steps(30)
  const copy = structuredClone(cluster.state)
  const here = cluster.plan()
  cluster.state = copy
  assert.equal(cluster.plan(), here)
})

test('bad options and devices listed twice are refused', () => {
  const refused = (error: unknown) => error instanceof KaitianError && error.code === 'BAD_CONFIG'
  assert.throws(() => createController({ policy: 'fair' as 'even' }), refused)
  assert.throws(() => createController({ leastGain: 1 }), refused)
  assert.throws(() => new Cluster([oneFast()[0], oneFast()[0]]).plan(), refused)
})

test.run()
