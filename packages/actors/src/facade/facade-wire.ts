import type { MessagePort } from 'node:worker_threads'
import type { ErrorRecord } from '@kaitian/errors'

/**
 * Beside comlink's own messages (they have an `id`; these have a `t`), on the same port: so an
 * event that was emitted before a call was answered arrives before the answer.
 */
export type FacadeFrame =
  /** To the user's thread: the factory has returned an object with these methods. */
  | { t: 'ready'; methods: string[] }
  | { t: 'failed'; error: ErrorRecord }
  | { t: 'event'; name: string; payload: unknown }
  /** To the runtime's thread: so many events have been read in all. */
  | { t: 'read'; events: number }
  /** An uncaught error; the thread ends. */
  | { t: 'crashed'; error: ErrorRecord }
  /** To the runtime's thread, and back from its event loop: it is alive. */
  | { t: 'ping'; id: number }
  | { t: 'pong'; id: number }
  /** To the runtime's thread: dispose of the object and end. */
  | { t: 'close' }

/** Events are read without a word for each. */
export const EVENTS_PER_WORD = 32

/** What a facade's thread finds in its workerData. */
export interface FacadeData {
  kaitianFacade: { port: MessagePort; data: unknown }
}

/** A call's outcome: comlink itself would keep only an error's name, message and stack. */
export type Outcome = { value: unknown } | { error: ErrorRecord }
