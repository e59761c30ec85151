import { checkCoverage } from './coverage.js'
import { RecordError } from './failure.js'
import { checkGradients } from './gradients.js'
import { replayJournal, type CommittedStep, type History } from './history.js'
import { checkPlans } from './plans.js'
import { readBytes, readRecord, type RunRecord } from './record.js'
import { checkSamples, missingSamples, readSampledStep, type SampledStep } from './sampled-step.js'
import { checkChain, checkUpdate } from './updates.js'
import { plural, result, verdictOf, type CheckResult, type Verdict } from './verdict.js'
import { checkVotes } from './votes.js'

/**
 * Judges a run record (docs/run-record.md). A record that fails is a verdict,
 * not an exception.
 */
export async function check(folder: string): Promise<Verdict> {
  let record: RunRecord
  try {
    record = await readRecord(folder)
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    const checks = [result('format', [error.message], '')]
    return verdictOf(checks, { samples: 0, epochs: 0, steps: 0, replayed: 0 })
  }
  const { run, journal, permutations, sampled } = record
  const history = replayJournal(run, journal)
  const { committed, planned } = history
  const samples = committed.reduce((sum, { plan }) => sum + plan.size, 0)
  const epochs = new Set(committed.map(({ plan }) => plan.epoch)).size
  const generations = journal.filter(({ type }) => type === 'generation').length
  const steps = await checkSteps(record, history)
  const checks = [
    result('format', [], `${journal.length} journal lines, ${plural(sampled.length, 'sample')}`),
    result('coverage', checkCoverage(run, history, permutations), coverageDetail(history, samples)),
    result('plans', checkPlans(run, history), plural(planned.length, 'plan')),
    result('votes', checkVotes(run, history, permutations), plural(committed.length, 'commit')),
    result('generations', history.failures, plural(generations, 'generation')),
    ...steps.checks,
  ]
  return verdictOf(checks, { samples, epochs, steps: committed.length, replayed: steps.replayed })
}

function coverageDetail({ end }: History, samples: number): string {
  return `${samples} samples once each, run ${end.reason}`
}

/** Reads the sampled steps one by one: each holds the state four times. */
async function checkSteps(
  record: RunRecord,
  history: History,
): Promise<{ checks: readonly CheckResult[]; replayed: number }> {
  const { run, permutations } = record
  const simulated = [...run.engines].filter(([, engine]) => engine === 'sim')
  const failures = { samples: [], gradients: [], optimiser: [], chain: [] } as {
    [Name in 'samples' | 'gradients' | 'optimiser' | 'chain']: string[]
  }
  const present = new Set(record.sampled.map(({ file }) => file))
  failures.samples.push(...missingSamples(run, history.committed, present))
  let largest = 0
  let replayed = 0
  for await (const sampled of readSteps(record, history, failures.samples)) {
    const permutation = permutations.get(sampled.step.plan.epoch)
    failures.samples.push(...checkSamples(run, sampled, permutation, record.labels))
    failures.optimiser.push(...checkUpdate(run, sampled))
    failures.chain.push(...checkChain(sampled))
    if (simulated.length === 0) {
      const gradients = gradientsOf(record, sampled)
      failures.gradients.push(...gradients.failures)
      largest = Math.max(largest, gradients.error)
    }
    replayed++
  }
  failures.chain.push(...endFailures(record, history))
  const none = replayed === 0
  const steps = none ? 'no step was sampled' : plural(replayed, 'step')
  const gradients =
    simulated.length > 0
      ? `engine sim on ${simulated.map(([device]) => device).join(', ')}`
      : none
        ? steps
        : `${steps}, relative error ≤ ${largest.toExponential(1)}`
  return {
    replayed,
    checks: [
      result('samples', failures.samples, steps, none),
      result('gradients', failures.gradients, gradients, none || simulated.length > 0),
      result('optimiser', failures.optimiser, none ? steps : `${steps} to the bit`, none),
      result('chain', failures.chain, none ? 'the last digest' : `${steps} and the last digest`),
    ],
  }
}

/** A file that cannot be used is a failure of the check `samples`. */
async function* readSteps(
  { folder, run, sampled }: RunRecord,
  { committed }: History,
  failures: string[],
): AsyncGenerator<SampledStep> {
  const steps = new Map<string, CommittedStep>()
  for (const step of committed) steps.set(`${step.plan.epoch}-${step.plan.step}`, step)
  for (const { file, epoch, step: number } of sampled) {
    const step = steps.get(`${epoch}-${number}`)
    if (step === undefined) {
      failures.push(`${file} belongs to no committed step`)
      continue
    }
    let read: SampledStep
    try {
      read = readSampledStep(run, step, await readBytes(folder, file), file)
    } catch (error) {
      if (!(error instanceof RecordError)) throw error
      failures.push(error.message)
      continue
    }
    yield read
  }
}

function gradientsOf({ run }: RunRecord, sampled: SampledStep): ReturnType<typeof checkGradients> {
  try {
    return checkGradients(run, sampled)
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    return { failures: [error.message], error: Number.NaN }
  }
}

function endFailures({ run }: RunRecord, { committed, end }: History): readonly string[] {
  const last = committed.at(-1)?.commit.digest ?? run.digest
  return end.digest === last ? [] : [`the run ends with digest ${end.digest}, committed is ${last}`]
}
