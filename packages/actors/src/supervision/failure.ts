import {
  isKaitianError,
  KaitianError,
  messageOf,
  type ErrorCode,
  type ErrorRecord,
} from '@kaitian/errors'
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

/** What is said of an actor that cannot take, or keep, a message. */
const sentences: Record<DeadLetterReason, [ErrorCode, (path: string, cause?: Error) => string]> = {
  'mailbox-full': [
    'MAILBOX_FULL',
    (path) =>
      `The mailbox of ${path} is full; send more slowly, or spawn it with a larger mailbox.capacity`,
  ],
  dropped: [
    'MESSAGE_DROPPED',
    (path) =>
      `${path} dropped a message, as its overflow policy says; send more slowly, or spawn it with a larger mailbox.capacity`,
  ],
  restarting: [
    'ACTOR_RESTARTING',
    (path) => `${path} is being restarted and has dropped what waited; ask again later`,
  ],
  'thread-exited': [
    'THREAD_EXITED',
    (path) => `The thread of ${path} has ended; watch it to learn of this in time`,
  ],
  'process-exited': [
    'PROCESS_EXITED',
    (path) => `The process of ${path} has ended; watch it to learn of this in time`,
  ],
  quarantined: [
    'ACTOR_QUARANTINED',
    (path, cause) =>
      cause?.message ??
      `The thread of ${path} does not end, though it was aborted and terminated: native code in it does not return. Do not open its device again in this process; place such code in a child process`,
  ],
  'unknown-message': [
    'UNKNOWN_MESSAGE',
    (path) => `${path} has no such message; the sender and the actor differ in their protocol`,
  ],
  'not-cloneable': [
    'MESSAGE_NOT_CLONEABLE',
    (path) =>
      `A message to ${path} cannot cross threads; send plain data, typed arrays, shared buffers and refs`,
  ],
  'too-large': [
    'MESSAGE_TOO_LARGE',
    (path, cause) => `A message to ${path} was not sent. ${cause?.message}`,
  ],
  invalid: [
    'MESSAGE_INVALID',
    (path, cause) => `A message of ${path} is refused: ${cause?.message}`,
  ],
  aborted: ['ASK_ABORTED', (path) => `The asker of ${path} gave up`],
  stopped: [
    'ACTOR_STOPPED',
    (path) => `${path} has stopped; spawn it again, or watch it to learn of this in time`,
  ],
  failed: [
    'ACTOR_STOPPED',
    (path) => `${path} has ended (failed); spawn it again, or watch it to learn of this in time`,
  ],
  killed: [
    'ACTOR_STOPPED',
    (path) => `${path} has ended (killed); spawn it again, or watch it to learn of this in time`,
  ],
}

/** The sender's error for a message that an actor in this state cannot take. */
export function unavailable(path: string, reason: DeadLetterReason, cause?: Error): KaitianError {
  const [code, sentence] = sentences[reason]
  // What was wrong with the message itself is known to its cause.
  const isMessages = reason === 'invalid' || reason === 'too-large'
  const known = isMessages && isKaitianError(cause) ? cause.fields : {}
  const fields = { ...known, path, reason }
  return new KaitianError(code, sentence(path, cause), { cause, fields })
}

/** Of an inline actor in quarantine: there is no thread to end by force. */
export function undisposed(path: string): KaitianError {
  return new KaitianError(
    'ACTOR_QUARANTINED',
    `What ${path} owned is not disposed of, so that it cannot be started again: a disposal does not settle. Give it a limit, or place the actor on a thread or in a process, which can be ended by force`,
    { fields: { path, reason: 'quarantined' } },
  )
}

/** What an asker sees of an error that its handler did not mean as an answer. */
export function faultOf(path: string, message: string, thrown: unknown): KaitianError {
  const sentence = `${path} failed in "${message}": ${messageOf(thrown)}`
  return new KaitianError('ACTOR_FAILED', sentence, { cause: thrown, fields: { path, message } })
}

/** What the spawner hears of an actor that did not start. */
export function spawnFailed(path: string, cause: unknown): KaitianError {
  if (isKaitianError(cause) && cause.code === 'SPAWN_FAILED') return cause
  const sentence = `${path} did not start: ${messageOf(cause)}`
  return new KaitianError('SPAWN_FAILED', sentence, { cause, fields: { path } })
}

/** What a schema refused. */
export function invalid(what: string, issues: readonly string[]): KaitianError {
  return new KaitianError(
    'MESSAGE_INVALID',
    `${what} does not fit its schema: ${issues.join('; ')}`,
    {
      fields: { issues: [...issues] },
    },
  )
}

/** The end of a thread or process as an error, with what brought it down. */
export function exited(
  kind: 'thread' | 'process',
  path: string,
  code: number | string,
  cause?: unknown,
): KaitianError {
  const detail = cause === undefined ? `exit code ${code}` : messageOf(cause)
  const errorCode = kind === 'thread' ? 'THREAD_EXITED' : 'PROCESS_EXITED'
  return new KaitianError(errorCode, `The ${kind} of ${path} died: ${detail}`, {
    cause,
    fields: { path, exitCode: code },
  })
}

/** What becomes of a message to an actor that ended so. */
export function deadLetterReason(end: End): DeadLetterReason {
  if (end.reason !== 'exited') return end.reason
  return end.error?.code === 'PROCESS_EXITED' ? 'process-exited' : 'thread-exited'
}
