import type { Bench } from '../bench/bench.js'
import type { CollectiveName } from '../bench/collectives.js'
import type { BenchSummary } from '../bench/figures.js'
import type { BenchOptions } from '../bench/options.js'
import { tableFoot, tableHead, tableRow } from '../bench/table.js'
import { counted } from '../terminal/format.js'
import { toBenchOptions, type BenchFlags } from './bench-program.js'
import { endOf, type Ending } from './ending.js'
import { asKaitianError, errorLine, EXIT, EXIT_OF_SIGNAL } from './exit.js'
import type { Host } from './host.js'
import { writeBenchLines } from './json.js'
import { Outside } from './outside.js'

export type StartBench = (
  options: BenchOptions,
) => Pick<Bench, 'plan' | 'events' | 'finished' | typeof Symbol.asyncDispose>

/**
 * `kaitian bench`: starts the measurement, shows it, and answers with the exit
 * code. Throws when the input is refused, or there is nothing to measure.
 */
export async function benchCommand(
  collective: CollectiveName,
  flags: BenchFlags,
  host: Host,
  start: StartBench,
): Promise<number> {
  const bench = start(toBenchOptions(collective, flags))
  let measured = 0
  bench.events.on('size', () => measured++)
  if (flags.json === true) writeBenchLines(bench, (text) => host.out.write(text))
  else showTable(bench, (text) => host.out.write(`${text}\n`))

  using outside = new Outside(host, flags)
  const finished: Promise<Measured> = bench.finished.then(
    (summary) => summary,
    (error: unknown) => ({ error }),
  )
  const run = { finished, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() }
  const ending = await endOf(run, outside, host)
  if (ending.kind === 'signal') {
    const sizes = `${measured} of ${counted(bench.plan.sizes.length, 'size')}`
    const note = `interrupted (${ending.signal}) after ${sizes}\n`
    ;(flags.json === true ? host.err : host.out).write(note)
  }
  const code = endWith(ending, host)
  if ('stopped' in ending && !ending.stopped) {
    host.dieOf(ending.kind === 'signal' ? ending.signal : 'SIGTERM')
  }
  return code
}

/** What a measurement came to. */
type Measured = BenchSummary | { readonly error: unknown }

function showTable({ events }: Pick<Bench, 'events'>, line: (text: string) => void): void {
  events.on('start', (start) => line(tableHead(start)))
  events.on('size', (row) => line(tableRow(row)))
  events.on('end', (summary) => line(tableFoot(summary)))
}

/** Says on stderr what went wrong. */
function endWith(ending: Ending<Measured>, { err }: Host): number {
  switch (ending.kind) {
    case 'signal':
      return EXIT_OF_SIGNAL[ending.signal]
    case 'output closed':
      return EXIT.outputClosed
    case 'summary': {
      if ('error' in ending.summary) {
        err.write(errorLine(asKaitianError(ending.summary.error)))
        return EXIT.failed
      }
      const { wrong = 0 } = ending.summary
      if (wrong === 0) return EXIT.ok
      const message = `${counted(wrong, 'element')} of the results ${wrong === 1 ? 'is' : 'are'} wrong: report this with the table, and test the machine's memory.`
      err.write(errorLine({ code: 'RESULT_WRONG', message }))
      return EXIT.failed
    }
  }
}
