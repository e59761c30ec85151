import Table from 'cli-table3'
import { formatSize } from './sizes.js'
import type { BenchStart, BenchSummary, Figures, Row } from './figures.js'

// The table of nccl-tests, a line as soon as it is measured.

const FIGURES = ['time', 'algbw', 'busbw', '#wrong']
const FIGURE_UNITS = ['(µs)', '(GB/s)', '(GB/s)', '']
const FIGURE_WIDTHS = [11, 9, 9, 8]
const WIDTHS = [12, 12, 6, 7, 6, ...FIGURE_WIDTHS, ...FIGURE_WIDTHS]
const ABSENT = 'N/A'
/** All that cli-table3 would draw: rows stand alone here. */
const LINES = ['top', 'bottom', 'left', 'mid', 'right']
  .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
  .concat('middle')

export function tableHead(start: BenchStart): string {
  const { collective, kaitian, node, cpu, cores, backend, ranks, groups, min, max, factor } = start
  const among = groups.length > 1 ? ` in groups of ${groups.join(', ')}` : ''
  const threads = ranks === 1 ? '1 rank, a thread' : `${ranks} ranks, a thread each`
  return [
    `# kaitian ${kaitian}, node ${node}: ${collective}, ${threads}${among}`,
    `# ${cpu}, ${cores} ${cores === 1 ? 'processor' : 'processors'}`,
    `# ${backend}`,
    `# ${formatSize(min)} to ${formatSize(max)}, each ${factor} times the one before`,
    ...(ranks > cores ? ['# more ranks than processors: they take turns, which is slow'] : []),
    heading(),
  ].join('\n')
}

function heading(): string {
  const five = { colSpan: 5, content: '' }
  const [apart, inPlace] = ['out-of-place', 'in-place'].map((content) => ({
    colSpan: FIGURES.length,
    content,
    hAlign: 'center' as const,
  }))
  return aligned([
    [five, apart, inPlace],
    ['size', 'count', 'type', 'redop', 'root', ...FIGURES, ...FIGURES],
    ['(B)', '(elements)', '', '', '', ...FIGURE_UNITS, ...FIGURE_UNITS],
  ])
}

export function tableRow({ bytes, count, dtype, op, root, outOfPlace, inPlace }: Row): string {
  const what = [String(bytes), String(count), dtype, op ?? 'none', String(root ?? -1)]
  return aligned([[...what, ...figureCells(outOfPlace), ...figureCells(inPlace)]])
}

export function tableFoot({ wrong, averageBusbw }: BenchSummary): string {
  const total = wrong === undefined ? 'not checked' : String(wrong)
  return `# total wrong: ${total}\n# average bus bandwidth: ${averageBusbw.toFixed(2)} GB/s`
}

function figureCells(figures: Figures | undefined): string[] {
  if (figures === undefined) return FIGURES.map(() => ABSENT)
  const { us, algbw, busbw, wrong } = figures
  return [us.toFixed(2), algbw.toFixed(2), busbw.toFixed(2), String(wrong ?? ABSENT)]
}

function aligned(rows: (string | Table.Cell)[][]): string {
  const table = new Table({
    chars: Object.fromEntries(LINES.map((part) => [part, ''])),
    style: { head: [], border: [], 'padding-left': 1, 'padding-right': 0 },
    colWidths: WIDTHS,
    colAligns: WIDTHS.map(() => 'right' as const),
  })
  table.push(...(rows as Table.HorizontalTableRow[]))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
