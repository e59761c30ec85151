import { systemClock, type Clock } from '@kaitian/actors'
import type { Output } from '../terminal/display.js'

export type Signal = 'SIGINT' | 'SIGTERM'

/** What the command needs of the process it runs in. */
export interface Host {
  readonly out: Output
  readonly err: Output
  readonly clock: Clock
  /** Calls back for each Ctrl-C or termination request; returns how to stop that. */
  onSignal(listener: (signal: Signal) => void): () => void
  /** Calls back once when nobody reads the output any more; returns how to stop that. */
  onOutputClosed(listener: () => void): () => void
  /**
   * Ends the process by the signal's default action, at once: `process.exit`
   * waits for threads, and one that hangs would keep it waiting.
   */
  dieOf(signal: Signal): void
}

export function processHost(): Host {
  return {
    out: process.stdout,
    err: process.stderr,
    clock: systemClock,
    onSignal,
    onOutputClosed: outputClosed(process.stdout),
    dieOf(signal) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    },
  }
}

function onSignal(listener: (signal: Signal) => void): () => void {
  const signals: Signal[] = ['SIGINT', 'SIGTERM']
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}

/** Keeps an EPIPE from ending the process before the run was stopped in good order. */
function outputClosed(stream: NodeJS.WriteStream): Host['onOutputClosed'] {
  const closed = new AbortController()
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    closed.abort()
  })
  return (listener) => {
    closed.signal.addEventListener('abort', listener, { once: true })
    if (closed.signal.aborted) listener()
    return () => closed.signal.removeEventListener('abort', listener)
  }
}
