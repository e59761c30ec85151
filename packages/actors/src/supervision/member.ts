import type { StopOptions } from '../api/context.js'
import type { Sighting } from '../site/sighting.js'

/** What a family is made of: an actor's supervisor, or a group. */
export interface Member {
  /** Who is told when it is gone. */
  home: { left(member: Member): void } | undefined
  readonly path: string
  readonly name: string
  /** Resolves when it is gone; no promise when it is already. */
  stop(options?: StopOptions): void | Promise<void>
  kill(): Promise<void>
  snapshot(): Promise<Sighting>
}
