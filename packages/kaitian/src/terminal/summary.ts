import type { RunSummary, SaveReport } from '@kaitian/train'
import Table from 'cli-table3'
import { count, duration, loss, percent } from './format.js'

/** Longer cells are wrapped, so that a table of two columns fits a terminal. */
const WIDEST_COLUMN = 60

/** A run's end as rows of name and value. */
export function summaryRows(summary: RunSummary): [string, string][] {
  const rows: [string, string][] = [
    ['outcome', describeOutcome(summary)],
    ['steps', count(summary.steps)],
    ['samples', count(summary.samples)],
    ['time', duration(summary.ms)],
    ['samples/s', count(summary.samplesPerSecond)],
    ['communication share', percent(summary.communicationShare)],
    ['generations', count(summary.generations)],
    ['state digest', describeDigests(summary.digests)],
  ]
  const last = summary.epochs.at(-1)
  if (last?.test !== undefined) {
    const { accuracy, samples } = last.test
    const sim = last.simulated ? ' (sim)' : ''
    rows.splice(1, 0, ['test accuracy', `${percent(accuracy)} of ${count(samples)} samples${sim}`])
    rows.splice(2, 0, ['test loss', `${loss(last.test.loss)} nats`])
  }
  if (summary.paceExceeded !== undefined) {
    rows.push([
      'own compute above the simulated pace',
      `${percent(summary.paceExceeded)} of device-steps`,
    ])
  }
  if (summary.recordFolder !== undefined) rows.push(['record', summary.recordFolder])
  if (summary.save !== undefined) rows.push(['weights', describeSave(summary.save)])
  return rows
}

/** The same as a table for the terminal. */
export function summaryTable(summary: RunSummary): string {
  return formatTable({ rows: summaryRows(summary) })
}

/** Rows as a table for the terminal; without colours, since it may end up in a file. */
export function formatTable({
  head = [],
  rows,
}: {
  readonly head?: readonly string[]
  readonly rows: readonly (readonly string[])[]
}): string {
  const lines = [head, ...rows]
  const columns = Math.max(...lines.map((line) => line.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.min(WIDEST_COLUMN, Math.max(...lines.map((line) => line[column]?.length ?? 0))),
  )
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    colWidths: widths.map((width) => width + 2),
    wordWrap: true,
  })
  table.push(...rows.map((row) => [...row]))
  return table.toString()
}

function describeOutcome({ outcome, error }: RunSummary): string {
  return error === undefined ? outcome : `${outcome} (${error.code})`
}

/** A path alone, which can be copied; what did not happen is said in words. */
export function describeSave({ file, written, reason }: SaveReport): string {
  return written ? file : `not saved to ${file}: ${reason}`
}

function describeDigests(digests: RunSummary['digests']): string {
  const devices = Object.keys(digests)
  const distinct = new Set(Object.values(digests))
  if (distinct.size === 0) return 'none'
  if (distinct.size === 1) return `${[...distinct][0].slice(0, 16)} on ${devices.join(', ')}`
  return `DIFFERS: ${devices.map((device) => `${device} ${digests[device].slice(0, 16)}`).join(', ')}`
}
