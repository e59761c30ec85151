import type { Child } from './child.js'
import type { End } from './failure.js'

/** Who else is concerned when a child fails: its group. A child without one restarts by itself. */
export interface Guardian {
  /** The child has ended, and will be started again by `resume`. */
  awaitsRestart(child: Child, afterMs: number): void
  /** The child has failed, and will not be started again. */
  gaveUp(child: Child, end: End): void
}
