import type { DownReason } from './context.js'
import type { MessageKind } from './protocol.js'

/** Why a message was not handled. */
export type DeadLetterReason =
  /** the actor has stopped, failed for good or never existed */
  | 'stopped'
  | 'restarting'
  | 'mailbox-full'
  /** by the overflow policies `drop-oldest` and `drop-newest` */
  | 'dropped'
  /** its handler was running, or it was waiting, when its actor failed or was killed */
  | 'failed'
  | 'killed'
  | 'thread-exited'
  | 'process-exited'
  | 'quarantined'
  /** the asker gave up before it was handled */
  | 'aborted'
  | 'not-cloneable'
  /** it does not fit into what goes to another process at once */
  | 'too-large'
  /** refused by the schema */
  | 'invalid'
  /** no message of that name */
  | 'unknown-message'

export interface DeadLetter {
  /** Path of the actor it was sent to. */
  readonly to: string
  readonly kind: MessageKind
  readonly message: string
  readonly reason: DeadLetterReason
  /** More than one only where the thread or process that held them is gone. */
  readonly count: number
}

/** What `system.events` emits, for all threads and processes of the system. */
export interface SystemEvents {
  spawned: (event: { path: string; thread: string }) => void
  failed: (event: { path: string; error: Error }) => void
  /** `restarts` counts those within the window. */
  restarted: (event: { path: string; restarts: number }) => void
  stopped: (event: { path: string; reason: DownReason; error?: Error }) => void
  /** A group gave up: its children are stopped. */
  escalated: (event: { path: string; error: Error }) => void
  /** A thread does not end: do not open its device again. */
  quarantined: (event: { path: string; thread: string; error: Error }) => void
  'dead-letter': (letter: DeadLetter) => void
}

/**
 * What became of the messages sent so far, booked by the sender's thread:
 * sent = handled + deadLettered + inFlight (A4). A thread that died takes its own book
 * with it; what others sent to it counts as dead-lettered.
 */
export interface Accounts {
  sent: number
  handled: number
  deadLettered: number
  inFlight: number
}
