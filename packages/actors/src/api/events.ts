import type { DownReason } from './context.js'

/** Why a message was not handled. */
export type DeadLetterReason =
  /** the actor has stopped, failed for good or never existed */
  | 'stopped'
  | 'restarting'
  | 'mailbox-full'
  /** its handler was running, or it was waiting, when its actor failed or was killed */
  | 'failed'
  | 'killed'
  | 'thread-exited'
  /** the asker gave up before it was handled */
  | 'aborted'
  | 'not-cloneable'
  /** no message of that name */
  | 'unknown-message'

export interface DeadLetter {
  /** Path of the actor it was sent to. */
  readonly to: string
  readonly kind: 'ask' | 'tell'
  readonly message: string
  readonly reason: DeadLetterReason
}

/** What `system.events` emits, for all threads of the system. */
export interface SystemEvents {
  spawned: (event: { path: string; thread: string }) => void
  failed: (event: { path: string; error: Error }) => void
  /** `restarts` counts those within the window. */
  restarted: (event: { path: string; restarts: number }) => void
  stopped: (event: { path: string; reason: DownReason; error?: Error }) => void
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
