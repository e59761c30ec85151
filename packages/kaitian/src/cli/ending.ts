import type { Host, Signal } from './host.js'

/** A Ctrl-C is answered within two seconds, whatever the run is at. */
const INTERRUPT_MS = 1800

/** What goes on until it has finished or is disposed of: a training run, a measurement. */
export interface Run<Summary> extends AsyncDisposable {
  readonly finished: Promise<Summary>
}

/** What ended a run. `stopped` is false when it did not stop in time. */
export type Ending<Summary> =
  | { readonly kind: 'summary'; readonly summary: Summary }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'signal'; readonly signal: Signal; readonly stopped: boolean }
  | { readonly kind: 'output closed'; readonly stopped: boolean }

type Interruption = { kind: 'signal'; signal: Signal } | { kind: 'output closed' }

/** Waits for whatever comes first; an interrupted run is stopped before this resolves. */
export async function endOf<Summary>(run: Run<Summary>, host: Host): Promise<Ending<Summary>> {
  const finished = run.finished.then(
    (summary): Ending<Summary> => ({ kind: 'summary', summary }),
    (error: unknown): Ending<Summary> => ({ kind: 'error', error }),
  )
  const { interrupted, release } = interruption(host)
  try {
    const first = await Promise.race([finished, interrupted])
    if (first.kind === 'summary' || first.kind === 'error') return first
    return { ...first, stopped: await stopInTime(run, host) }
  } finally {
    release()
  }
}

function interruption(host: Host): { interrupted: Promise<Interruption>; release: () => void } {
  let release = (): void => {}
  const interrupted = new Promise<Interruption>((resolve) => {
    const offSignal = host.onSignal((signal) => resolve({ kind: 'signal', signal }))
    const offClosed = host.onOutputClosed(() => resolve({ kind: 'output closed' }))
    release = () => {
      offSignal()
      offClosed()
    }
  })
  return { interrupted, release }
}

/** Whether the run stopped before the time was up, or before a second Ctrl-C. */
async function stopInTime(run: AsyncDisposable, host: Host): Promise<boolean> {
  let release = (): void => {}
  const givenUp = new Promise<boolean>((resolve) => {
    const giveUp = (): void => resolve(false)
    const cancel = host.clock.after(INTERRUPT_MS, giveUp)
    const offSignal = host.onSignal(giveUp)
    release = () => {
      cancel()
      offSignal()
    }
  })
  const stopped = run[Symbol.asyncDispose]().then(() => true)
  try {
    return await Promise.race([stopped, givenUp])
  } finally {
    release()
  }
}
