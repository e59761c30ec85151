import { KaitianError, type ErrorRecord } from '@kaitian/errors'
import type { DownReason } from '../api/context.js'
import type { DeadLetterReason } from '../api/events.js'
import type { EndRecord } from '../site/wire.js'

/** How an incarnation, or an actor for good, ended. */
export interface End {
  reason: DownReason
  error?: KaitianError
}

export function endToRecord(end: End): EndRecord {
  return end.error === undefined
    ? { reason: end.reason }
    : { reason: end.reason, error: end.error.toRecord() }
}

export function endFromRecord(record: EndRecord): End {
  return record.error === undefined
    ? { reason: record.reason }
    : { reason: record.reason, error: errorFromRecord(record.error) }
}

/** The error as it was thrown in the other thread. */
export function errorFromRecord(record: ErrorRecord): KaitianError {
  return KaitianError.fromRecord(record)
}

/** The sender's error for a message that an actor in this state cannot take. */
export function unavailable(path: string, reason: DeadLetterReason, cause?: Error): KaitianError {
  const options = { cause, fields: { path, reason } }
  switch (reason) {
    case 'mailbox-full':
      return new KaitianError(
        'MAILBOX_FULL',
        `The mailbox of ${path} is full; send more slowly, or spawn it with a larger mailbox.capacity`,
        options,
      )
    case 'restarting':
      return new KaitianError(
        'ACTOR_RESTARTING',
        `${path} is being restarted and has dropped what waited; ask again later`,
        options,
      )
    case 'thread-exited':
      return new KaitianError(
        'THREAD_EXITED',
        `The thread of ${path} has ended; watch it to learn of this in time`,
        options,
      )
    case 'unknown-message':
      return new KaitianError(
        'UNKNOWN_MESSAGE',
        `${path} has no such message; the sender and the actor differ in their protocol`,
        options,
      )
    case 'not-cloneable':
      return new KaitianError(
        'MESSAGE_NOT_CLONEABLE',
        `A message to ${path} cannot cross threads; send plain data, typed arrays, shared buffers and refs`,
        options,
      )
    case 'aborted':
      return new KaitianError('ASK_ABORTED', `The asker of ${path} gave up`, options)
    case 'stopped':
    case 'failed':
    case 'killed':
      return new KaitianError(
        'ACTOR_STOPPED',
        `${path} has ${reason === 'stopped' ? 'stopped' : `ended (${reason})`}; spawn it again, or watch it to learn of this in time`,
        options,
      )
  }
}

/** What an asker sees of an error that its handler did not mean as an answer. */
export function faultOf(path: string, message: string, thrown: unknown): KaitianError {
  const detail = thrown instanceof Error ? thrown.message : String(thrown)
  return new KaitianError('ACTOR_FAILED', `${path} failed in "${message}": ${detail}`, {
    cause: thrown,
    fields: { path, message },
  })
}

/** The thread's end as an error, with what brought it down. */
export function threadExited(path: string, code: number, cause?: unknown): KaitianError {
  const detail = cause instanceof Error ? cause.message : `exit code ${code}`
  return new KaitianError('THREAD_EXITED', `The thread of ${path} died: ${detail}`, {
    cause,
    fields: { path, exitCode: code },
  })
}

/** What becomes of a message to an actor that ended so. */
export function deadLetterReason(end: End): DeadLetterReason {
  return end.reason === 'exited' ? 'thread-exited' : end.reason
}
