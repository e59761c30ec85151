import type { Host } from './host.js'
import type { Interruption, Outside } from './outside.js'

/** A Ctrl-C is answered within two seconds, unless files are to be written first. */
const INTERRUPT_MS = 1800
/** Nobody waits for a run whose reader has gone away; only one that hangs is not left alone. */
const UNREAD_MS = 30_000

/** What goes on until it has finished or is disposed of: a training run, a measurement. */
export interface Run<Summary> extends AsyncDisposable {
  /** Never rejects: how it failed is part of the summary. */
  readonly finished: Promise<Summary>
  /** How long it may take to write its files when it is disposed of; absent where it has none. */
  readonly savingMs?: number | undefined
}

/** What ended a run. `stopped` is false when it did not stop in time. */
export type Ending<Summary> =
  | { readonly kind: 'summary'; readonly summary: Summary }
  | (Interruption & {
      readonly stopped: boolean
      /** Of a run that stopped in good order. */
      readonly summary?: Summary | undefined
    })

/** Waits for whatever comes first; an interrupted run is stopped before this resolves. */
export async function endOf<Summary>(
  run: Run<Summary>,
  outside: Outside,
  host: Host,
): Promise<Ending<Summary>> {
  const finished = run.finished.then((summary): Ending<Summary> => ({ kind: 'summary', summary }))
  const first = await Promise.race([finished, outside.interrupted])
  if (first.kind === 'summary') return first
  const patienceMs = first.kind === 'signal' ? INTERRUPT_MS : UNREAD_MS
  const stopped = await stopInTime(run, patienceMs, outside, host)
  if (!stopped) return { ...first, stopped }
  return { ...first, stopped, summary: await run.finished }
}

/** Whether the run stopped before the time was up, or before a second signal. */
async function stopInTime<Summary>(
  run: Run<Summary>,
  patienceMs: number,
  outside: Outside,
  { clock, err }: Host,
): Promise<boolean> {
  const { savingMs = 0 } = run
  const timers: (() => void)[] = []
  const timeIsUp = new Promise<boolean>((resolve) => {
    timers.push(clock.after(patienceMs + savingMs, () => resolve(false)))
  })
  if (savingMs > 0) {
    const note = 'kaitian: files are being written; a second signal ends at once\n'
    timers.push(clock.after(patienceMs, () => void err.write(note)))
  }
  const stopped = run[Symbol.asyncDispose]().then(() => true)
  const again = outside.again.then(() => false)
  try {
    return await Promise.race([stopped, timeIsUp, again])
  } finally {
    for (const cancel of timers) cancel()
  }
}
