import type { Case } from './case.js'
import type { Refusal } from './refusals.js'

export interface ClusterOptions {
  readonly groups: readonly number[]
  readonly wire?: 'f32' | 'bf16'
  /** Default: long enough that only what hangs meets it. */
  readonly deadlineMs?: number
}

/** What is done by a rank, as plain data. `start` answers when the call has let go of the thread. */
export type Command =
  | { readonly do: 'run'; readonly given: Case }
  | { readonly do: 'start'; readonly key: string; readonly given: Case }
  | { readonly do: 'barrier'; readonly key: string }
  /** Calls again and again until a call fails; the key's report is that failure. */
  | { readonly do: 'repeat'; readonly key: string; readonly given: Case }
  | { readonly do: 'finish'; readonly key: string }
  /** Whether what was started under this key has settled. */
  | { readonly do: 'look'; readonly key: string }
  | { readonly do: 'refuse'; readonly refusal: Refusal }
  | { readonly do: 'leave' }

/** The first place that is not as it should be. */
export interface Wrong {
  readonly what: string
  readonly index: number
  readonly expected: string
  readonly found: string
}

export interface Failed {
  readonly code: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** What became of a command; all absent when there was nothing to tell. */
export interface Report {
  /** Of the result. */
  readonly digest?: string
  readonly wrong?: Wrong
  readonly failed?: Failed
  readonly settled?: boolean
}

/**
 * Ranks that live somewhere, and their current communicator. Ranks keep their threads, so that
 * thousands of cases cost little more than their calls.
 */
export interface Cluster {
  readonly groups: readonly number[]
  /** Names of the ranks, as errors name them. */
  readonly members: readonly string[]
  /** Lets one rank run commands one after the other; rejects when the rank is gone. */
  ask(rank: number, commands: readonly Command[]): Promise<readonly Report[]>
  /** From outside of the ranks. */
  abort(cause: string): Promise<void>
  /** Ends a rank's thread or process, whatever it does. */
  end(rank: number): Promise<void>
  /** Disposes the communicator; those that were not ended make up the next generation. */
  renew(): Promise<void>
  close(): Promise<void>
}

/** A placement: where ranks live, and what carries data between groups. */
export interface Placement<Kind extends Cluster = Cluster> {
  readonly name: string
  /** How its groups may be divided. */
  readonly shapes: readonly (readonly number[])[]
  /** Groups of which rank 1 may end, and the others hear of it at once. */
  readonly losses: readonly (readonly number[])[]
  /** What the others may get when a rank was ended. */
  readonly lost: readonly string[]
  open(options: ClusterOptions): Promise<Kind>
}

/** All ranks at once. */
export function onAll(
  cluster: Cluster,
  commands: readonly Command[],
): Promise<(readonly Report[])[]> {
  return Promise.all(cluster.members.map((_, rank) => cluster.ask(rank, commands)))
}

/** Opens, tests, and closes whatever happens. */
export async function within<Kind extends Cluster>(
  placement: Placement<Kind>,
  options: ClusterOptions,
  test: (cluster: Kind) => Promise<void>,
): Promise<void> {
  const cluster = await placement.open(options)
  try {
    await test(cluster)
  } finally {
    await cluster.close()
  }
}

/**
 * For tests that leave a cluster as good as new: they have one in common, as starting its threads and
 * processes takes far longer than what is tested. After one that fails the next gets another.
 */
export class Shared<Kind extends Cluster> {
  readonly #open: () => Promise<Kind>
  #cluster: Kind | undefined

  constructor(placement: Placement<Kind>, options: ClusterOptions) {
    this.#open = () => placement.open(options)
  }

  async within(test: (cluster: Kind) => Promise<void>): Promise<void> {
    const cluster = (this.#cluster ??= await this.#open())
    try {
      await test(cluster)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#cluster?.close()
    this.#cluster = undefined
  }
}
