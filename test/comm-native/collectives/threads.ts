import { loadBackend, type Communicator } from '@kaitian/comm-native'
import { sizeOf } from './case.js'
import type { Cluster, ClusterOptions, Command, Placement, Report } from './cluster.js'
import { SHAPES } from './matrix.js'
import { Thread } from './thread.js'

/** Far beyond any call's time on a busy machine. */
const DEADLINE_MS = 600_000

/** All ranks are threads of this process, over one native communicator. */
export const threads: Placement = {
  name: 'threads',
  shapes: SHAPES,
  losses: [[2, 1], [3], [1, 1, 1]],
  lost: ['PEER_DOWN'],
  open: async (options) => {
    const cluster = new ThreadCluster(options)
    await cluster.join()
    return cluster
  },
}

class ThreadCluster implements Cluster {
  groups: readonly number[]
  readonly #options: ClusterOptions
  readonly #ended = new Set<Thread>()
  #threads: Thread[]
  #generation = 1
  #communicator: Communicator

  constructor(options: ClusterOptions) {
    this.#options = options
    this.groups = options.groups
    this.#threads = Array.from({ length: sizeOf(options.groups) }, () => new Thread())
    this.#communicator = this.#make()
  }

  get members(): readonly string[] {
    return this.#threads.map((_, rank) => `cpu:${rank}`)
  }

  /** Every rank takes its seat. */
  async join(): Promise<void> {
    const { groups } = this
    const { wire = 'f32' } = this.#options
    const { ticket } = this.#communicator
    await Promise.all(
      this.#threads.map((thread, rank) => thread.ask({ ticket, seat: { rank, groups, wire } })),
    )
  }

  async ask(rank: number, commands: readonly Command[]): Promise<readonly Report[]> {
    return (await this.#threads[rank].ask({ commands })).reports
  }

  async abort(cause: string): Promise<void> {
    this.#communicator.abort(cause)
  }

  async end(rank: number): Promise<void> {
    this.#ended.add(this.#threads[rank])
    await this.#threads[rank].terminate()
  }

  async renew(): Promise<void> {
    await this.#communicator.dispose()
    let first = 0
    const left = this.groups.map((size) => {
      const group = this.#threads.slice(first, (first += size))
      return group.filter((thread) => !this.#ended.has(thread))
    })
    this.groups = left.map(({ length }) => length).filter((size) => size > 0)
    this.#threads = left.flat()
    this.#generation++
    this.#communicator = this.#make()
    await this.join()
  }

  async close(): Promise<void> {
    await this.#communicator.dispose()
    await Promise.all(this.#threads.map((thread) => thread.terminate()))
  }

  #make(): Communicator {
    const { members, groups } = this
    const { wire = 'f32', deadlineMs = DEADLINE_MS } = this.#options
    return loadBackend('native').createCommunicator({
      generation: this.#generation,
      members,
      regions: members.map(() => ({})),
      deadlineMs,
      groups,
      wire,
    })
  }
}
