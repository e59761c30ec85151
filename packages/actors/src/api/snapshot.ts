import type { MessageKind } from './protocol.js'

/** What an actor is doing, or what it waits for. */
export type ActorState =
  /** `start` has not returned */
  | 'starting'
  | 'idle'
  /** messages wait for their turn */
  | 'ready'
  /** an async handler has not settled: see `inHand` */
  | 'busy'
  /** failed; waits for the back-off, or for its siblings */
  | 'restarting'
  /** was told to stop; see `inHand` and the children for what it waits for */
  | 'stopping'
  | 'gone'
  /** its thread or process did not answer in time: native code, or a loop */
  | 'unresponsive'

/** One actor, or group, and those below it, as they were at one moment. */
export interface ActorSnapshot {
  readonly path: string
  /** `group` for what `supervise` made. */
  readonly placement: 'inline' | 'thread' | 'process' | 'sim-thread' | 'sim-process' | 'group'
  readonly state: ActorState
  readonly incarnation: number
  /** Restarts within the window. */
  readonly restarts: number
  readonly lastFailure?: string
  readonly mailbox?: {
    readonly depth: number
    readonly capacity: number
    readonly stashed: number
    /** Asks that were handled, and whose deferred answers are still to be given. */
    readonly deferred: number
  }
  /** The message whose handler has not settled, and for how long, in milliseconds. */
  readonly inHand?: { readonly message: string; readonly kind: MessageKind; readonly forMs: number }
  /** Asks of this actor that wait for an answer, as far as known (those made before its first `await`). */
  readonly asks?: readonly { readonly to: string; readonly message: string }[]
  readonly children: readonly ActorSnapshot[]
}
