import type { Random } from '@kaitian/actors'

/** How a thread ends. */
export const WAYS = ['terminate', 'exit', 'throw'] as const
export type Way = (typeof WAYS)[number]

/** What a thread says that was to throw. */
export const PLANNED = 'planned'

/** When and how the threads of one round end. */
export interface Plan {
  readonly first: Ending
  readonly second: Ending
  /** Whether the host aborts what it has been told of, and when. */
  readonly aborts: 'before' | 'after' | 'never'
}

export interface Ending {
  readonly way: Way
  readonly rank: 0 | 1
  /** At this step of the thread: early ones are steps of loading the addon. */
  readonly step: number
  /** The host's turns of an empty loop after it has seen that step. */
  readonly spins: number
}

export function planOf(random: Random): Plan {
  const rank = random.integer(2) as 0 | 1
  return {
    first: endingOf(random, rank),
    second: endingOf(random, (1 - rank) as 0 | 1),
    aborts: (['before', 'after', 'never'] as const)[random.integer(3)],
  }
}

function endingOf(random: Random, rank: 0 | 1): Ending {
  // Most by the host, which is what takes a thread from without.
  const way = random.integer(3) > 0 ? 'terminate' : WAYS[random.integer(WAYS.length)]
  const step = random.integer(5) === 0 ? random.integer(4) : 4 + random.integer(150)
  return { way, rank, step, spins: random.integer(4) === 0 ? 0 : random.integer(100_000) }
}
