import type { Placement } from '@kaitian/actors'
import type { ErrorCode } from '@kaitian/errors'

/** A placement to try the promises in. */
export interface Where {
  readonly name: 'inline' | 'thread' | 'process'
  on(module: URL): Placement
  /** What an asker gets when the actor is killed. */
  readonly deathCode: ErrorCode
}

const known = {
  inline: { name: 'inline', on: () => 'inline', deathCode: 'ACTOR_STOPPED' },
  thread: { name: 'thread', on: (module) => ({ thread: module }), deathCode: 'THREAD_EXITED' },
  process: { name: 'process', on: (module) => ({ process: module }), deathCode: 'PROCESS_EXITED' },
} satisfies Record<string, Where>

/** Every suite runs in each of these. */
export const everywhere: readonly Where[] = [known.inline, known.thread, known.process]
