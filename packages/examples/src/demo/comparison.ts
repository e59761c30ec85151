import type { ReportTable } from 'kaitian'
import { COMPARISON_STEPS, PACE_GOAL, SETTLING_STEPS, STEPS_PER_EPOCH } from './parameters.js'
import type { FinishedRun } from './runs.js'
import type { Verdict } from './verdict.js'

export function compareTimes(disturbed: FinishedRun, others: readonly FinishedRun[]): ReportTable {
  const own = disturbed.times.median()
  const rows = [disturbed, ...others].map(({ name, times }) => {
    const ms = times.median()
    const gain = name === disturbed.name ? '' : percent(1 - own / ms)
    const epoch = (ms * STEPS_PER_EPOCH) / 1000
    return [name, `${epoch.toFixed(2)} s`, `${ms.toFixed(1)} ms`, gain, String(times.steps)]
  })
  return {
    title: 'Time per epoch, nothing disturbed',
    head: ['run', 'time per epoch', 'step', 'saved by the adaptive split', 'steps measured'],
    rows,
    note:
      `Median step time × ${STEPS_PER_EPOCH} steps, without the first ${SETTLING_STEPS} steps; of the ` +
      `adaptive run only the steps before the first fault. The others run for ${COMPARISON_STEPS} steps. ` +
      'Paces are simulated.',
  }
}

export function describeOutcome(
  { summary }: FinishedRun,
  verdict: Verdict | undefined,
): ReportTable {
  const digests = Object.entries(summary.digests)
  const accuracy = summary.epochs.at(-1)?.test?.accuracy
  const exceeded = summary.paceExceeded ?? 0
  return {
    title: 'The adaptive run, with a slow-down and a loss on the way',
    head: [],
    rows: [
      ['test accuracy', accuracy === undefined ? 'not tested' : percent(accuracy)],
      ['communication share', percent(summary.communicationShare)],
      [
        'CPU slower than the simulated pace',
        `${percent(exceeded)} of device-steps (goal: at most ${percent(PACE_GOAL)})`,
      ],
      [
        'state digest',
        sameDigest(summary.digests)
          ? `${digests[0][1]} on ${digests.map(([device]) => device).join(', ')}`
          : `DIFFERS: ${digests.map((pair) => pair.join(' ')).join(', ')}`,
      ],
      [
        'checker',
        verdict === undefined ? 'not asked (--checker)' : verdict.summary.replace(/^checker: /, ''),
      ],
    ],
  }
}

export function sameDigest(digests: Readonly<Record<string, string>>): boolean {
  return new Set(Object.values(digests)).size === 1
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
