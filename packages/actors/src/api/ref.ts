import type { Ask, Protocol, Tell } from './protocol.js'

/** What became of a tell: in the mailbox, or refused (and counted as a dead letter). */
export type TellOutcome = 'queued' | 'rejected'

export interface AskOptions {
  /** Rejects with `ASK_TIMEOUT` after so long. Without it an ask waits for its settlement. */
  timeoutMs?: number
  /** Rejects with `ASK_ABORTED` when it aborts; a queued ask is then not handled. */
  signal?: AbortSignal
}

/** Any actor's address, whatever its protocol. */
export interface ActorRef {
  /** Names from the system down: `system/trainer/gpu0`. */
  readonly path: string
}

/**
 * The handle of an actor. A value: compare it with `sameActor`, put it in the plain objects
 * and arrays of a message, send it to another thread. It survives restarts.
 */
export interface Ref<P extends Protocol> extends ActorRef {
  /** Each settles exactly once, also when the actor's thread dies (A3). */
  readonly ask: AskMethods<P>
  /** Never throw. */
  readonly tell: TellMethods<P>
}

export type AskMethods<P extends Protocol> = {
  readonly [Name in keyof P as P[Name] extends { kind: 'ask' } ? Name : never]: P[Name] extends Ask<
    infer Payload,
    infer Reply
  >
    ? (...args: [...PayloadArgs<Payload>, options?: AskOptions]) => Promise<Reply>
    : never
}

export type TellMethods<P extends Protocol> = {
  readonly [
    Name in keyof P as P[Name] extends { kind: 'tell' } ? Name : never
  ]: P[Name] extends Tell<infer Payload> ? (...args: PayloadArgs<Payload>) => TellOutcome : never
}

/** A message declared with `void` is sent without a payload. */
type PayloadArgs<Payload> = [Payload] extends [void] ? [payload?: undefined] : [payload: Payload]
