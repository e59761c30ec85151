import { checkWritable, type RunSummary } from '@kaitian/train'
import { RunHistory } from '../report/history.js'
import { writeReport } from '../report/write.js'
import { showProgress } from '../terminal/show.js'
import { summaryTable } from '../terminal/summary.js'
import type { TrainingOptions } from '../training/options.js'
import type { Training } from '../training/training.js'
import { endOf, type Ending } from './ending.js'
import { asKaitianError, errorLine, EXIT, EXIT_OF_SIGNAL } from './exit.js'
import type { Host } from './host.js'
import { writeTrainingLines } from './json.js'
import { toTrainingOptions } from './options.js'
import type { TrainFlags } from './program.js'
import { followStand, type Stand } from './stand.js'

export type StartTraining = (options: TrainingOptions) => Training

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
  const training = train(toTrainingOptions(task, flags))
  const stand = followStand(training)
  const history = flags.report === undefined ? undefined : new RunHistory(training)
  const closeView = show(training, flags, host)

  const ending = await endOf(training, host)
  closeView()
  tellEnd(ending, stand, flags, host)
  let code = exitCode(ending, stand)
  if (history !== undefined && stand.begun() && ending.kind !== 'output closed') {
    const written = await report(task, history, flags, host)
    if (!written && code === EXIT.ok) code = EXIT.failed
  }
  if ('stopped' in ending && !ending.stopped) {
    host.dieOf(ending.kind === 'signal' ? ending.signal : 'SIGTERM')
  }
  return code
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
  { json }: TrainFlags,
  { out, err }: Host,
): void {
  if (ending.kind === 'signal') {
    const note = `interrupted (${ending.signal}) ${stand.describe()}\n`
    ;(json === true ? err : out).write(note)
  }
  if (ending.kind === 'error') err.write(errorLine(asKaitianError(ending.error)))
  if (ending.kind !== 'summary') return
  const { summary } = ending
  if (json !== true) out.write(`${summaryTable(summary)}\n`)
  if (summary.outcome === 'failed') err.write(errorLine(summary.error ?? UNEXPLAINED))
}

const UNEXPLAINED = { message: 'The run failed without giving a reason; please report it.' }

/** Whether the report could be written. */
async function report(
  task: string,
  history: RunHistory,
  flags: TrainFlags,
  host: Host,
): Promise<boolean> {
  const file = flags.report ?? ''
  try {
    await writeReport(file, { title: `Kaitian: ${task}`, runs: [{ name: task, history }] })
    if (flags.json !== true) host.out.write(`report ${file}\n`)
    return true
  } catch (error) {
    host.err.write(errorLine(asKaitianError(error)))
    return false
  }
}

function exitCode(ending: Ending<RunSummary>, stand: Stand): number {
  switch (ending.kind) {
    case 'signal':
      return EXIT_OF_SIGNAL[ending.signal]
    case 'output closed':
      return EXIT.outputClosed
    case 'summary':
      return ending.summary.outcome === 'failed' ? EXIT.failed : EXIT.ok
    case 'error': {
      const refused = !stand.begun() && asKaitianError(ending.error).code !== 'INTERNAL'
      return refused ? EXIT.refused : EXIT.failed
    }
  }
}
