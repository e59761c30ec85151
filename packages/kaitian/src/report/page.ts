import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ownFile } from '@kaitian/errors'
import { epochsIn, narrateEpoch } from '../terminal/narrate.js'
import { summaryRows } from '../terminal/summary.js'
import type { Curves, Mark, RunHistory } from './history.js'

export interface ReportContent {
  readonly title: string
  readonly runs: readonly ReportRun[]
  /** Shown above the runs, e.g. a comparison of them. */
  readonly tables?: readonly ReportTable[]
}

export interface ReportRun {
  readonly name: string
  readonly history: RunHistory
}

export interface ReportTable {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** A sentence below the table. */
  readonly note?: string
}

/** What the page's script draws; see assets/report.js. */
interface PageData {
  readonly runs: readonly { readonly curves: Curves; readonly marks: readonly Mark[] }[]
}

/**
 * The report as one HTML page that needs nothing else: the charts' library is
 * read from the installed package and embedded, and the page's own policy
 * forbids the browser to fetch anything.
 */
export function renderReport({ title, runs, tables = [] }: ReportContent): string {
  const data: PageData = {
    runs: runs.map(({ history }) => ({ curves: history.curves(), marks: history.marks })),
  }
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">`,
    `<title>${escape(title)}</title>`,
    `<style>${textOf(plotter().style)}\n${textOf(asset('report.css'))}</style>`,
    '</head>',
    '<body>',
    `<h1>${escape(title)}</h1>`,
    ...tables.map(renderTable),
    ...runs.map(renderRun),
    `<script type="application/json" id="data">${asScriptData(data)}</script>`,
    `<script>${textOf(plotter().script)}</script>`,
    `<script>${textOf(asset('report.js'))}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

const MARKS_NOTE =
  '<p class="note">Dashed lines: <span class="fault">a fault</span>, ' +
  '<span class="event">a new membership</span>. What happened is under Events.</p>'

function renderRun({ name, history }: ReportRun, index: number): string {
  const { ready, summary, epochs, marks } = history
  return [
    `<section class="run" data-run="${index}">`,
    `<h2>${escape(name)}</h2>`,
    ready === undefined ? '' : `<p>${escape(describeRun(history))}</p>`,
    '<div class="charts"></div>',
    marks.some(({ kind, at }) => kind !== 'quotas' && at > 0) ? MARKS_NOTE : '',
    summary === undefined
      ? '<p>The run was cut off before its end.</p>'
      : renderTable({ title: 'Summary', head: [], rows: summaryRows(summary) }),
    ready === undefined ? '' : renderTable(devicesTable(ready.devices)),
    renderList(
      'Epochs',
      epochs.map((epoch) =>
        narrateEpoch(epoch, ready === undefined ? epochs.length : epochsIn(ready)),
      ),
    ),
    renderList(
      'Events',
      marks.map(({ at, text }) => `step ${at}: ${text}`),
    ),
    '</section>',
  ].join('\n')
}

function describeRun({ ready }: RunHistory): string {
  if (ready === undefined) return ''
  return (
    `Task ${ready.task} on ${ready.dataSet}: ${ready.weights} weights, ${ready.trainSamples} samples, ` +
    `${ready.batch} a step in shards of ${ready.shard}, ${ready.mode}, seed ${ready.seed}. ` +
    `Collectives: ${ready.backend}.`
  )
}

function devicesTable(devices: NonNullable<RunHistory['ready']>['devices']): ReportTable {
  return {
    title: 'Devices',
    head: ['device', 'group', 'engine', 'pace'],
    rows: devices.map(({ device, group, engine, description, pace }) => [
      device,
      group,
      `${engine} (${description})`,
      pace === undefined ? 'real' : `simulated: ${pace.alphaMs} ms + ${pace.betaMs} ms a sample`,
    ]),
  }
}

function renderTable({ title, head, rows, note }: ReportTable): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`
  return [
    `<h3>${escape(title)}</h3>`,
    '<div class="wide"><table>',
    head.length === 0 ? '' : `<thead>${cells('th', head)}</thead>`,
    `<tbody>${rows.map((row) => cells('td', row)).join('\n')}</tbody>`,
    '</table></div>',
    note === undefined ? '' : `<p class="note">${escape(note)}</p>`,
  ].join('\n')
}

function renderList(title: string, items: readonly string[]): string {
  if (items.length === 0) return ''
  return `<details><summary>${escape(title)} (${items.length})</summary><ol>${items
    .map((item) => `<li>${escape(item)}</li>`)
    .join('\n')}</ol></details>`
}

function escape(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replaceAll(/[&<>"]/g, (character) => names[character])
}

/** JSON that cannot end the script element it lies in. */
function asScriptData(data: PageData): string {
  return JSON.stringify(data).replaceAll('<', String.raw`\u003c`)
}

function asset(name: string): URL {
  return ownFile(`../assets/${name}`, import.meta.url)
}

/** Looked up when a page is made: in a bundle of a task there is none to find. */
function plotter(): { style: string; script: string } {
  const require = createRequire(import.meta.url)
  return {
    style: require.resolve('uplot/dist/uPlot.min.css'),
    script: require.resolve('uplot/dist/uPlot.iife.min.js'),
  }
}

function textOf(file: string | URL): string {
  return readFileSync(file, 'utf8')
}
