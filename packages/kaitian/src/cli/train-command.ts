import type { RunSummary } from '@kaitian/train'
import { RunHistory } from '../report/history.js'
import { checkReportFile, writeReport } from '../report/write.js'
import { showProgress } from '../terminal/show.js'
import { summaryTable } from '../terminal/summary.js'
import type { TrainingOptions } from '../training/options.js'
import type { Training } from '../training/training.js'
import { asKaitianError, errorLine, EXIT, EXIT_OF_SIGNAL } from './exit.js'
import type { Host, Signal } from './host.js'
import { writeJsonLines } from './json.js'
import { toTrainingOptions } from './options.js'
import type { TrainFlags } from './program.js'
import { followStand, type Stand } from './stand.js'

export type StartTraining = (options: TrainingOptions) => Training

/** A Ctrl-C is answered within two seconds, whatever the run is at. */
const INTERRUPT_MS = 1800

type Ending = { summary: RunSummary } | { error: unknown } | { signal: Signal } | 'output closed'

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
  if (flags.report !== undefined) checkReportFile(flags.report)
  const training = train(toTrainingOptions(task, flags))
  const stand = followStand(training)
  const history = flags.report === undefined ? undefined : new RunHistory(training)
  const closeView = show(training, flags, host)

  const ending = await endOf(training, host)
  closeView()
  if (ending === 'output closed') return EXIT.outputClosed
  tellEnd(ending, stand, flags, host)
  const code = exitCode(ending, stand.begun(), host)
  if (history === undefined || !stand.begun()) return code
  return (await report(task, history, flags, host)) ? code : code || EXIT.failed
}

function tellEnd(
  ending: Exclude<Ending, string>,
  stand: Stand,
  flags: TrainFlags,
  host: Host,
): void {
  const toPerson = flags.json !== true
  if ('summary' in ending && toPerson) host.out.write(`${summaryTable(ending.summary)}\n`)
  if (!('signal' in ending)) return
  const output = toPerson ? host.out : host.err
  output.write(`interrupted (${ending.signal}) ${stand.describe()}\n`)
}

/** Whether the report could be written; a run's exit code does not hide that it could not. */
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

function show(training: Training, flags: TrainFlags, { out }: Host): () => void {
  if (flags.json !== true) return showProgress(training, out)
  writeJsonLines(training, (text) => out.write(text))
  return () => {}
}

/** Waits for whatever ends the run first; after a signal, until the run has stopped or the time is up. */
async function endOf(training: Training, host: Host): Promise<Ending> {
  const finished = training.finished.then(
    (summary): Ending => ({ summary }),
    (error: unknown): Ending => ({ error }),
  )
  let release = (): void => {}
  const cut = new Promise<Ending>((resolve) => {
    const offSignal = host.onSignal((signal) => resolve({ signal }))
    const offClosed = host.onOutputClosed(() => resolve('output closed'))
    release = () => {
      offSignal()
      offClosed()
    }
  })
  const ending = await Promise.race([finished, cut])
  if (ending === 'output closed' || 'signal' in ending) await stopInTime(training, host)
  release()
  return ending
}

/** A second Ctrl-C does not wait. */
async function stopInTime(training: Training, host: Host): Promise<void> {
  let off = (): void => {}
  const again = new Promise<void>((resolve) => (off = host.onSignal(() => resolve())))
  const timeUp = new AbortController()
  await Promise.race([
    training[Symbol.asyncDispose](),
    again,
    host.clock.sleep(INTERRUPT_MS, timeUp.signal).catch(() => {}),
  ])
  timeUp.abort()
  off()
}

function exitCode(ending: Exclude<Ending, string>, begun: boolean, host: Host): number {
  if ('signal' in ending) return EXIT_OF_SIGNAL[ending.signal]
  if ('error' in ending) {
    const error = asKaitianError(ending.error)
    host.err.write(errorLine(error))
    return begun || error.code === 'INTERNAL' ? EXIT.failed : EXIT.refused
  }
  if (ending.summary.outcome !== 'failed') return EXIT.ok
  host.err.write(errorLine(ending.summary.error ?? { message: 'The run failed without a reason' }))
  return EXIT.failed
}
