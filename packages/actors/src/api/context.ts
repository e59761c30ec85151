import type { Clock } from '../clock.js'
import type { ActorClass, Protocol } from './protocol.js'
import type { Random } from '../random.js'
import type { ActorRef, Ref } from './ref.js'

export interface SpawnOptions {
  /** Unique among its siblings; without it the class's name and a number. */
  name?: string
  /**
   * `inline` (the default): in the spawner's thread. `{ thread: url }`: in a worker thread of
   * its own, whose module `url` exports the class under its name.
   */
  on?: Placement
  mailbox?: MailboxOptions
  /** Without it a failing actor stops. */
  restart?: RestartOptions
}

export type Placement = 'inline' | { thread: URL }

export interface MailboxOptions {
  /** Messages that may wait; 1024 unless told. */
  capacity?: number
  /** What happens to one more: a tell returns `rejected`, an ask rejects with `MAILBOX_FULL`. */
  overflow?: 'reject'
}

export interface RestartOptions {
  /** Restarts allowed within the window; one failure more stops the actor. */
  max: number
  withinMs: number
  /** Wait before the first restart; doubles with each further one in the window. 0 unless told. */
  backoffMs?: number
}

export interface StopOptions {
  /** After so long the actor is killed instead. */
  timeoutMs?: number
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
  /** its thread died */
  | 'exited'

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

/** Starts and ends actors: what a system and an actor's context have in common. */
export interface Spawner {
  /**
   * Resolves when the actor has started. Rejects with `SPAWN_FAILED` when its module, its
   * constructor or its `start` fails; the cause is the error itself.
   */
  spawn<P extends Protocol, Args>(
    actor: ActorClass<P, Args>,
    args: NoInfer<Args>,
    options?: SpawnOptions,
  ): Promise<Ref<P>>
  /** Calls back once, when the actor is gone for good (a restart is not). Returns unwatch. */
  watch(ref: ActorRef, callback: (down: Down) => void): () => void
  /** Ends it after the message in hand: children in reverse start order, `stop`, disposal. */
  stop(ref: ActorRef, options?: StopOptions): Promise<void>
  /** Ends it at once: its thread is terminated; inline it is dropped without `stop`. */
  kill(ref: ActorRef, options?: KillOptions): Promise<void>
}

/** An actor's view of the world, handed to its methods. Valid for one incarnation. */
export interface Context<P extends Protocol = Protocol> extends Spawner {
  readonly self: Ref<P>
  /** Disposed last in, first out, on stop and before a restart. Returns the resource. */
  own<T extends Disposable>(resource: T): T
  readonly clock: Clock
  /** A stream of its own: same system seed and path, same numbers. */
  readonly random: Random
  /** Aborts when this incarnation stops, fails or is killed. */
  readonly signal: AbortSignal
}
