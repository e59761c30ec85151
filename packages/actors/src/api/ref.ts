import type { Ask, Flow, Nothing, Protocol, Tell } from './protocol.js'

/**
 * What became of a tell. `queued`: in the mailbox, or on its way there. `waiting`: held back
 * until there is room (overflow policy `wait`). `dropped`, `rejected`: a dead letter.
 */
export type TellOutcome = 'queued' | 'waiting' | 'dropped' | 'rejected'

/** W3C trace context (https://www.w3.org/TR/trace-context/), carried along and not looked at. */
export interface Trace {
  readonly traceparent: string
  readonly tracestate?: string
}

export interface SendOptions {
  /** The receiver finds it in `ctx.message.trace`. */
  trace?: Trace
}

export interface AskOptions extends SendOptions {
  /** Rejects with `ASK_TIMEOUT` after so long. Without it an ask waits for its settlement. */
  timeoutMs?: number
  /**
   * Rejects with `ASK_ABORTED` when it aborts; a queued ask is then not handled, and a handler
   * at work on it sees `ctx.message.signal` abort.
   */
  signal?: AbortSignal
}

export interface FlowOptions extends SendOptions {
  /** Items that may be under way; 16 unless told. */
  credit?: number
  /** Ends the flow with `ASK_ABORTED` when it aborts. */
  signal?: AbortSignal
}

/** Any actor's address, whatever its protocol. */
export interface ActorRef {
  /** Names from the system down: `system/trainer/gpu0`. */
  readonly path: string
}

/**
 * The handle of an actor. A value: one object for each actor and thread (compare with `===`),
 * which goes in the plain objects and arrays of messages. It survives restarts.
 */
export interface Ref<out P extends Protocol> extends ActorRef {
  /** Each settles exactly once, also when the actor's thread dies (A3). */
  readonly ask: AskMethods<P>
  /** Throw nothing but `BAD_ARGUMENT`, for options that cannot be meant. */
  readonly tell: TellMethods<P>
  /** Items of an actor, pulled as they are consumed. Leaving the loop ends the flow. */
  readonly flow: FlowMethods<P>
  /** Resolves when a message would be `queued`; rejects when the actor is gone. */
  room(): Promise<void>
}

type Sends<P extends Protocol, Kind extends string> = keyof {
  [Name in keyof P as P[Name] extends { kind: Kind } ? Name : never]: unknown
} &
  keyof P

export type AskMethods<P extends Protocol> = {
  readonly [Name in Sends<P, 'ask'>]: P[Name] extends Ask<
    infer Payload,
    infer Reply,
    infer _Received,
    infer _Answer
  >
    ? (...args: SendArgs<Payload, AskOptions>) => Promise<Reply>
    : never
}

export type TellMethods<P extends Protocol> = {
  readonly [Name in Sends<P, 'tell'>]: P[Name] extends Tell<infer Payload, infer _Received>
    ? (...args: SendArgs<Payload, SendOptions>) => TellOutcome
    : never
}

export type FlowMethods<P extends Protocol> = {
  readonly [Name in Sends<P, 'flow'>]: P[Name] extends Flow<
    infer Payload,
    infer Item,
    infer _Received,
    infer _Given
  >
    ? (...args: SendArgs<Payload, FlowOptions>) => AsyncIterableIterator<Item>
    : never
}

/**
 * A message declared with `nothing` has no payload, so that its options come first; one declared with
 * the type `void` has none either, but that is not known where it is sent.
 */
type SendArgs<Payload, Options> =
  IsAny<Payload> extends true
    ? [payload?: Payload, options?: Options]
    : [Payload] extends [Nothing]
      ? [options?: Options] | [payload: undefined, options?: Options]
      : [Payload] extends [void]
        ? [payload?: undefined, options?: Options]
        : [payload: Payload, options?: Options]

/** Everything is assignable to `any` and the other way round, but only `any` swallows a 1. */
type IsAny<T> = 0 extends 1 & T ? true : false
