import { checkWritable, type RunSummary, type SaveReport } from '@kaitian/train'
import { RunHistory } from '../report/history.js'
import { writeReport } from '../report/write.js'
import { showProgress } from '../terminal/show.js'
import { describeSave, summaryTable } from '../terminal/summary.js'
import type { StartTraining, Surroundings } from '../training/train.js'
import type { Training } from '../training/training.js'
import { endOf, type Ending } from './ending.js'
import { asKaitianError, errorLine, EXIT, EXIT_OF_SIGNAL } from './exit.js'
import type { Host } from './host.js'
import { writeTrainingLines } from './json.js'
import { toTrainingOptions } from './options.js'
import { Outside } from './outside.js'
import type { TrainFlags } from './program.js'
import { followStand, type Stand } from './stand.js'
import { flagOf } from './train-flags.js'

/**
 * `kaitian train`: starts the run, shows it, and answers with the exit code.
 * Throws when the input is refused before anything starts.
 */
export async function trainCommand(
  task: string,
  flags: TrainFlags,
  host: Host,
  train: StartTraining,
): Promise<number> {
  if (flags.report !== undefined) checkWritable(flags.report)
  const training = train(toTrainingOptions(task, flags), {
    nameOf: flagOf,
    print: printing(flags, host),
  })
  const stand = followStand(training)
  const history = flags.report === undefined ? undefined : new RunHistory(training)
  using outside = new Outside(host, flags)
  const closeView = show(training, flags, host)

  const ending = await endOf(training, outside, host)
  closeView()
  tellEnd(ending, stand, flags, host)
  let code = exitCode(ending)
  const stopped = !('stopped' in ending) || ending.stopped
  if (history !== undefined && stopped && !isRefused(summaryIn(ending))) {
    const written = await report(task, { history, stand, flags }, host)
    if (!written && code === EXIT.ok) code = EXIT.failed
  }
  if (!stopped) host.dieOf(ending.kind === 'signal' ? ending.signal : 'SIGTERM')
  return code
}

/** With --json stdout carries the command's own lines alone. */
function printing({ json }: TrainFlags, { out, err }: Host): NonNullable<Surroundings['print']> {
  // Processes that actors run in have this process's stdout; see @kaitian/actors.
  if (json === true) process.env['KAITIAN_STDOUT'] = 'stderr'
  return (chunk, from) => void (from === 'stdout' && json !== true ? out : err).write(chunk)
}

function show(training: Training, flags: TrainFlags, { out }: Host): () => void {
  if (flags.json !== true) return showProgress(training, out)
  writeTrainingLines(training, (text) => out.write(text))
  return () => {}
}

/** To people on stdout; with --json stdout is for machines, and `end` has said it. */
function tellEnd(
  ending: Ending<RunSummary>,
  stand: Stand,
  { json, save }: TrainFlags,
  { out, err }: Host,
): void {
  const people = json === true ? err : out
  const summary = summaryIn(ending)
  if (ending.kind === 'signal') {
    people.write(`interrupted (${ending.signal}) ${stand.describe()}\n`)
    const saved = summary?.save ?? unsaved(save, stand)
    if (saved !== undefined) people.write(`weights ${describeSave(saved)}\n`)
  }
  if (ending.kind === 'summary' && json !== true && !isRefused(ending.summary)) {
    out.write(`${summaryTable(ending.summary)}\n`)
  }
  if (summary?.error !== undefined) err.write(errorLine(summary.error))
}

/** None of a run that did not stop in time. */
function summaryIn(ending: Ending<RunSummary>): RunSummary | undefined {
  return 'summary' in ending ? ending.summary : undefined
}

/** Whether it failed before there was anything to train with. */
function isRefused(summary: RunSummary | undefined): boolean {
  return summary?.outcome === 'failed' && summary.generations === 0
}

/** What a run that did not come to its end can say of the weights. */
function unsaved(file: string | undefined, stand: Stand): SaveReport | undefined {
  if (file === undefined) return undefined
  const reason = stand.begun() ? 'there was no time' : 'no step was committed'
  return { file, written: false, reason }
}

/** Whether the report could be written. */
async function report(
  task: string,
  { history, stand, flags }: { history: RunHistory; stand: Stand; flags: TrainFlags },
  host: Host,
): Promise<boolean> {
  const file = flags.report ?? ''
  const people = flags.json === true ? host.err : host.out
  if (!stand.begun()) {
    people.write(`report not written to ${file}: no step was committed\n`)
    return true
  }
  try {
    await writeReport(file, { title: `Kaitian: ${task}`, runs: [{ name: task, history }] })
    if (flags.json !== true) host.out.write(`report ${file}\n`)
    return true
  } catch (error) {
    host.err.write(errorLine(asKaitianError(error)))
    return false
  }
}

function exitCode(ending: Ending<RunSummary>): number {
  const summary = summaryIn(ending)
  if (summary?.outcome === 'failed') {
    return isRefused(summary) && summary.error?.code !== 'INTERNAL' ? EXIT.refused : EXIT.failed
  }
  switch (ending.kind) {
    case 'signal':
      return EXIT_OF_SIGNAL[ending.signal]
    case 'output closed':
      return EXIT.outputClosed
    case 'summary':
      return EXIT.ok
  }
}
