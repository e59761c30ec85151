import type { Emit as Send } from '@kaitian/actors'
import type { SentSummary, StepEvent, RunSummary } from '../run/events.js'
import type { Emit } from './runtime.js'

/** Unread events beyond which steps are no longer told one by one: some megabytes at most. */
export const MOST_UNREAD = 1024

/**
 * Tells a run's events to the user's thread. While that is blocked they wait in memory, and a run
 * may take a million steps meanwhile: beyond `MOST_UNREAD` of them a step waits here, and makes way
 * for the next one. Whatever comes in between is told, with the latest step before it.
 */
export function sending(send: Send): Emit {
  let waiting: StepEvent | undefined
  let skipped = 0
  const release = (): void => {
    if (waiting !== undefined) send('step', skipped > 0 ? { ...waiting, skipped } : waiting)
    waiting = undefined
    skipped = 0
  }
  return (name, payload) => {
    if (name !== 'step') {
      release()
      return send(name, name === 'end' ? sent(payload as RunSummary) : payload)
    }
    if (waiting !== undefined) skipped++
    waiting = payload as StepEvent
    if (send.unread() < MOST_UNREAD) release()
  }
}

function sent({ error, ...summary }: RunSummary): SentSummary {
  return error === undefined ? summary : { ...summary, error: error.toRecord() }
}
