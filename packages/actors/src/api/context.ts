import type { Clock } from '../clock.js'
import type { Pool, PoolOptions } from '../pool/pool.js'
import type { Random } from '../random.js'
import type { Actor, AnswerTo, MessageKind, Protocol, SpawnArgs } from './protocol.js'
import type { ActorRef, Ref, Trace } from './ref.js'

export interface SpawnOptions {
  /** Unique among its siblings; without it the class's name and a number. */
  name?: string
  on?: Placement
  mailbox?: MailboxOptions
  /** Without it a failing actor stops. In a group, in place of the group's. */
  restart?: RestartOptions
  stop?: StopLimits
}

/**
 * `inline` (the default): in the spawner's thread. `{ thread: url }`: in a worker thread of its
 * own. `{ process: url }`: in a child process of its own, for native code that cannot be trusted
 * to stop, or that clashes with other native code. The module exports the class under its name.
 */
export type Placement = 'inline' | { readonly thread: URL } | { readonly process: URL }

/** What happens to one message more than `capacity`; see docs/actor-semantics.md. */
export type Overflow = 'reject' | 'drop-oldest' | 'drop-newest' | 'wait'

export interface MailboxOptions {
  /** Messages that may wait; 1024 unless told. */
  capacity?: number
  /** `reject` unless told. */
  overflow?: Overflow
}

export interface RestartOptions {
  /** Restarts allowed within the window; one failure more stops the actor. */
  max: number
  withinMs: number
  /** Wait before the first restart; doubles with each further one in the window. 0 unless told. */
  backoffMs?: number
  /** The wait grows no further. */
  maxBackoffMs?: number
}

/** The phases of a stop; see docs/actor-semantics.md. */
export interface StopLimits {
  /** For an end in good order. 5000 unless told; `Infinity` waits for ever. */
  timeoutMs?: number
  /** After the abort word was set, for the thread to end by itself. 1000 unless told. */
  abortMs?: number
  /** For a terminated thread to be gone; else it is quarantined. 2000 unless told. */
  exitMs?: number
}

export interface StopOptions {
  /** In place of the limit that was given at spawn. */
  timeoutMs?: number
  /** What waits in the mailbox is handled first. */
  drain?: boolean
}

export interface KillOptions {
  /** Counts as a failure, so that a declared restart applies. Otherwise a kill is final. */
  restart?: boolean
}

/** Why an actor is gone for good. */
export type DownReason =
  /** asked to stop */
  | 'stopped'
  /** threw, and had no restart left */
  | 'failed'
  /** `kill` */
  | 'killed'
  /** its thread or process died */
  | 'exited'
  /** its thread does not end, though it was terminated */
  | 'quarantined'

export interface Down {
  readonly ref: ActorRef
  readonly reason: DownReason
  readonly error?: Error
}

/** What `ctx.own` takes: anything with one of these methods. */
export type Disposable =
  | { dispose(): void | Promise<void> }
  | { [Symbol.dispose](): void }
  | { [Symbol.asyncDispose](): PromiseLike<void> }

/** Who is restarted when a child of the group fails. */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one'

export interface GroupOptions {
  /** Unique among its siblings; `group-1` and so on unless told. */
  name?: string
  strategy: Strategy
  /** Counted for each child by itself. */
  restart: RestartOptions
}

/** Actors that are supervised together. When one has no restart left, the group fails. */
export interface Group extends ActorRef {
  spawn<P extends Protocol, Params extends readonly unknown[]>(
    actor: Actor<P, Params>,
    ...args: SpawnArgs<NoInfer<Params>>
  ): Promise<Ref<P>>
  /** Stops the children, last started first. */
  stop(): Promise<void>
}

/** Starts and ends actors: what a system and an actor's context have in common. */
export interface Spawner {
  /**
   * Resolves when the actor has started. Rejects with `SPAWN_FAILED` when its module, its
   * constructor or its `start` fails; the cause is the error itself.
   */
  spawn<P extends Protocol, Params extends readonly unknown[]>(
    actor: Actor<P, Params>,
    ...args: SpawnArgs<NoInfer<Params>>
  ): Promise<Ref<P>>
  /** Makes a group, whose children are restarted by one strategy. */
  supervise(options: GroupOptions): Group
  /** Calls back once, when the actor is gone for good (a restart is not). Returns unwatch. */
  watch(ref: ActorRef, callback: (down: Down) => void): () => void
  /** Ends it after the message in hand: children in reverse start order, `stop`, disposal. */
  stop(ref: ActorRef, options?: StopOptions): Promise<void>
  /** Ends it at once: its thread is terminated; inline it is dropped without `stop`. */
  kill(ref: ActorRef, options?: KillOptions): Promise<void>
}

declare const answers: unique symbol

/**
 * The answer to an ask, given after its handler has returned. It is given once: a second time
 * throws `BAD_ARGUMENT`. After the asker gave up, or the incarnation ended, it is ignored.
 */
export interface DeferredAnswer<Reply> {
  /** Bound, so that it may be handed on: `.then(answer.reply, answer.refuse)`. */
  readonly reply: (value: Reply) => void
  /** As if the handler had thrown: a `KaitianError` is an answer, anything else fails the actor. */
  readonly refuse: (error: unknown) => void
  /** Aborts when the asker gives up, and when this incarnation is told to end. */
  readonly signal: AbortSignal
  /** Never there; an answer that takes more, or less, is none to this ask. */
  readonly [answers]?: Reply
}

/** The message that an actor has in hand. */
export interface MessageInHand<Reply = unknown> {
  readonly name: string
  readonly kind: MessageKind
  /** Aborts when the asker gives up, and when this incarnation is told to end. */
  readonly signal: AbortSignal
  readonly trace: Trace | undefined
  /**
   * The ask will be answered later: its handler returns what this gives, and the next message is
   * handled. Throws `MAILBOX_FULL` when as many answers are to be given as the mailbox may hold
   * messages, `BAD_ARGUMENT` where there is no answer to defer.
   */
  defer<Answer = Reply>(): DeferredAnswer<Answer>
}

/**
 * An actor's view of the world, handed to its methods. Valid for one incarnation. A handler that
 * defers its answer names its message: `Context<typeof MyProtocol, 'work'>`.
 */
export interface Context<
  P extends Protocol = Protocol,
  Name extends keyof P = keyof P,
> extends Spawner {
  readonly self: Ref<P>
  /** Disposed last in, first out, on stop and before a restart. Returns the resource. */
  own<T extends Disposable>(resource: T): T
  readonly clock: Clock
  /** A stream of its own: same system seed and path, same numbers. */
  readonly random: Random
  /** Aborts when this incarnation stops, fails or is killed. */
  readonly signal: AbortSignal
  /**
   * One shared integer that becomes 1 when this incarnation is told to end and its thread does not
   * hear it: native code polls it, or waits on it. Written from another thread.
   */
  readonly abortWord: Int32Array
  /** The message in hand, until its handler has settled. */
  readonly message: MessageInHand<AnswerTo<P[Name]>>
  /**
   * Puts the message in hand aside until `unstash`. Does not return: it throws what ends the handler,
   * and when that is caught, the message is aside all the same.
   */
  stash(): never
  /** What is aside goes to the head of the mailbox, in order. */
  unstash(): void
  /** Runs `fn` as a turn of this actor after `ms`; ends with the incarnation. Returns cancel. */
  after(ms: number, fn: () => void): () => void
  /** Runs `fn` as a turn every `ms`. Returns cancel. */
  every(ms: number, fn: () => void): () => void
  /** Threads for stateless work, owned by this incarnation. */
  pool<Task, Result>(options: PoolOptions): Pool<Task, Result>
}
