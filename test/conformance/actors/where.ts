import type { Placement } from '@kaitian/actors'
import type { ErrorCode } from '@kaitian/errors'

type Kind = 'inline' | 'thread' | 'process'

/** A placement to try the promises in. */
export interface Where {
  /** As a snapshot shows it. */
  readonly name: Kind | 'sim-thread' | 'sim-process'
  /** As it is declared. */
  readonly kind: Kind
  /** On a test system. */
  readonly simulated: boolean
  on(module: URL): Placement
  /** What an asker gets when the actor is killed. */
  readonly deathCode: ErrorCode
}

const inline = {
  name: 'inline',
  kind: 'inline',
  simulated: false,
  on: () => 'inline',
  deathCode: 'ACTOR_STOPPED',
} satisfies Where

const thread = {
  name: 'thread',
  kind: 'thread',
  simulated: false,
  on: (module: URL) => ({ thread: module }),
  deathCode: 'THREAD_EXITED',
} satisfies Where

const process = {
  name: 'process',
  kind: 'process',
  simulated: false,
  on: (module: URL) => ({ process: module }),
  deathCode: 'PROCESS_EXITED',
} satisfies Where

/** Every suite runs in each of these. */
export const everywhere: readonly Where[] = [
  inline,
  thread,
  process,
  { ...thread, name: 'sim-thread', simulated: true },
  { ...process, name: 'sim-process', simulated: true },
]
