import { digestOf } from './digest.js'
import { replay } from './optimiser.js'
import type { Run } from './run.js'
import type { SampledStep } from './sampled-step.js'

/** The optimiser, replayed from `before` and `sum`, gives the bits of `after`, and those were committed. */
export function checkUpdate(run: Run, sampled: SampledStep): readonly string[] {
  const { name, step, before, after, sum } = sampled
  const { momentum, weightDecay } = run
  const { size: count, learningRate } = step.plan
  const expected = replay(run.model, run.tensors, before, {
    sum,
    count,
    learningRate,
    momentum,
    weightDecay,
  })
  const failures = [
    ...bitFailures(run, 'after.state', after.state, expected.state),
    ...bitFailures(run, 'after.velocity', after.velocity, expected.velocity),
  ]
  const digest = digestOf(after.state, after.velocity)
  if (digest !== step.commit.digest) {
    failures.push(`after has digest ${digest}, committed was ${step.commit.digest}`)
  }
  return failures.map((failure) => `${name}: ${failure}`)
}

function bitFailures(
  run: Run,
  what: string,
  recorded: Float32Array,
  expected: Float32Array,
): readonly string[] {
  const left = new Uint32Array(recorded.buffer)
  const right = new Uint32Array(expected.buffer)
  const differing = left.reduce((sum, bits, at) => sum + (bits === right[at] ? 0 : 1), 0)
  if (differing === 0) return []
  const at = left.findIndex((bits, index) => bits !== right[index])
  const tensor = run.tensors.find(({ offset, size }) => at >= offset && at < offset + size)
  const where = `${what}[${at}] (${tensor?.name})`
  return [
    `${where} is ${recorded[at]}, replayed ${expected[at]}; ${differing} of ${left.length} differ`,
  ]
}

/** `before` of a step is what the commit before it left behind. */
export function checkChain({ name, step, before }: SampledStep): readonly string[] {
  const digest = digestOf(before.state, before.velocity)
  if (digest === step.previous) return []
  return [`${name}: before has digest ${digest}, the commit before left ${step.previous}`]
}
