import type { KaitianError } from '@kaitian/errors'
import type { End } from './failure.js'
import type { Target } from '../actor/handle.js'

/**
 * One actor in one place (inline, or on a thread): runs its incarnations, one after the other.
 * When there is a next one is decided by its supervisor, child.ts.
 */
export interface Body {
  readonly target: Target
  /** Rejects with what was thrown, after all that was owned is disposed. */
  start(incarnation: number): Promise<void>
  /** Resolves when the incarnation has ended in good order. */
  stop(): Promise<void>
  /** @param again another incarnation follows */
  kill(again: boolean): Promise<void>
  /** There will be no other incarnation: refuse messages from now on, tell the watchers. */
  bury(end: End): void
}

/** How a body tells its supervisor that an incarnation ended by itself. */
export interface Supervisor {
  /** At once; true when there will be another incarnation. */
  failing(end: End): boolean
  /** When everything that the incarnation owned is disposed (A5). */
  ended(end: End): void
}

/** An error that ends nothing: thrown while stopping or disposing. */
export type Report = (error: KaitianError) => void
