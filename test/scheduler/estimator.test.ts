import { seededRandom } from '@kaitian/actors'
import { modelOf, observeTime, standardError, timeOf, type Estimate } from '@kaitian/scheduler'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('estimator')

interface Learnt {
  estimate: Estimate
  jumps: { at: number; factor: number }[]
}

/** Learns from `quotas`, one step each, of a device with the given time. */
function learn(
  quotas: readonly number[],
  time: (samples: number, step: number) => number,
  sigma = 0,
): Learnt {
  const random = seededRandom('estimator', quotas.length)
  let estimate: Estimate | undefined
  const jumps: Learnt['jumps'] = []
  quotas.forEach((samples, at) => {
    const computeMs = time(samples, at) * Math.exp(sigma * random.normal())
    const next = observeTime(estimate, { samples, computeMs })
    estimate = next.estimate
    if (next.jump !== undefined) jumps.push({ at, factor: next.jump })
  })
  return { estimate: estimate!, jumps }
}

const repeat = (samples: number, times: number) => Array.from({ length: times }, () => samples)

test('one time is enough for a first guess at that quota', () => {
  const { estimate } = learn([40], () => 20)
  assert.ok(Math.abs(timeOf(modelOf(estimate), 40) - 20) < 1e-9)
  assert.is(timeOf(modelOf(estimate), 0), 0)
})

test('the fixed cost is learnt from moves of the quota', () => {
  const quotas = [64, 32, 96, 48].flatMap((samples) => repeat(samples, 30))
  const { estimate } = learn(quotas, (samples) => 8 + 0.25 * samples, 0.02)
  for (const samples of [16, 40, 128]) {
    const ratio = timeOf(modelOf(estimate), samples) / (8 + 0.25 * samples)
    assert.ok(Math.abs(ratio - 1) < 0.05, `${ratio} of the true time at ${samples} samples`)
  }
})

test('a quota that stands still teaches no fixed cost', () => {
  const { estimate } = learn(repeat(64, 500), () => 24, 0.05)
  assert.is(estimate.shape.rho, 0)
})

test('a jump is noticed at its second time and its factor told, up and down', () => {
  const { jumps } = learn(repeat(64, 90), (_, step) => (step >= 30 && step < 60 ? 40 : 20), 0.02)
  assert.equal(
    jumps.map(({ at }) => at),
    [31, 61],
  )
  assert.ok(Math.abs(jumps[0].factor - 2) < 0.1 && Math.abs(jumps[1].factor - 0.5) < 0.03)
})

test('one spike is no jump, and hardly moves the prediction', () => {
  const { estimate, jumps } = learn(repeat(64, 60), (_, step) => (step === 55 ? 200 : 20), 0.02)
  assert.equal(jumps, [])
  assert.ok(timeOf(modelOf(estimate), 64) < 20 * 1.02)
})

test('noise alone raises no alarm in ten thousand steps', () => {
  const { jumps } = learn(repeat(64, 10_000), () => 20, 0.03)
  assert.ok(jumps.length <= 3, `${jumps.length} jumps`)
})

test('the noise is learnt, and a jump is not taken for noise', () => {
  const time = (_: number, step: number) => (step % 20 < 10 ? 20 : 30)
  const { estimate, jumps } = learn(repeat(64, 400), time, 0.02)
  assert.ok(jumps.length >= 36, `${jumps.length} of 39 jumps`)
  assert.ok(estimate.sigma > 0.01 && estimate.sigma < 0.06, `sigma ${estimate.sigma}`)
  const noisy = learn(repeat(64, 400), () => 20, 0.3).estimate
  assert.ok(noisy.sigma > 0.2 && noisy.sigma < 0.4, `sigma ${noisy.sigma}`)
})

test('the standard error falls with the number of times, to a floor', () => {
  const error = (count: number) => standardError(learn(repeat(64, count), () => 20, 0.02).estimate)
  assert.ok(error(2) > error(6) && error(6) > error(200) && error(200) > 0)
})

test.run()
