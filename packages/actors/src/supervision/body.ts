import type { KaitianError } from '@kaitian/errors'
import type { Sighting } from '../site/sighting.js'
import type { Target } from '../actor/target.js'
import type { SiteId } from '../site/wire.js'
import type { End } from './failure.js'

/**
 * One actor in one place (inline, or on a thread or process of its own): runs its incarnations, one
 * after the other. When there is a next one is decided by its supervisor, child.ts.
 */
export interface Body {
  readonly target: Target
  /** Where it runs. */
  readonly siteId: SiteId
  /**
   * Rejects with what was thrown, after all that was owned is disposed.
   *
   * @param failing told at once; true when there will be another incarnation
   */
  start(incarnation: number, failing: (cause: unknown) => boolean): void | Promise<void>
  /** Resolves when the incarnation has ended in good order; no promise when it has already. */
  stop(again: boolean, drain: boolean): void | Promise<void>
  /** Sets the abort word; false when there is none. */
  abort(): boolean
  /**
   * Resolves when nothing of it runs any more, or with an error when that cannot be reached.
   *
   * @param again another incarnation follows
   * @param exitMs after so long it is given up
   */
  kill(again: boolean, exitMs: number): Promise<KaitianError | undefined>
  /** There will be no other incarnation: refuse messages from now on, tell the watchers. */
  bury(end: End): void
  /** What is known of it at once; a thread answers for itself. */
  snapshot(): Promise<Partial<Sighting>>
}

/** How a body tells its supervisor that an incarnation ended by itself. */
export interface Supervisor {
  /** At once; true when there will be another incarnation. */
  failing(end: End): boolean
  /** When everything that the incarnation owned is disposed (A5), or never will be. */
  ended(end: End): void
}
