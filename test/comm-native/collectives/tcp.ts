import { sizeOf } from './case.js'
import type { Cluster, ClusterOptions, Command, Placement, Report } from './cluster.js'
import { SHAPES } from './matrix.js'
import { GroupProcess } from './tcp-process.js'

/** Far beyond any call's time on a busy machine. */
const DEADLINE_MS = 600_000

/** Every group is a process, its ranks are threads of it, and TCP carries what goes between them. */
export type TcpPlacement = Placement<TcpCluster>

export const tcp = tcpWith('processes over TCP')

/** @param env what is different in the groups' environment */
export function tcpWith(name: string, env: NodeJS.ProcessEnv = {}): TcpPlacement {
  return {
    name,
    shapes: SHAPES.filter(({ length }) => length > 1),
    // A group of which nobody is left says nothing: see processes.conformance.ts.
    losses: [[2, 1], [3]],
    lost: ['PEER_DOWN'],
    open: async (options) => {
      const cluster = new TcpCluster(options, env)
      try {
        await cluster.join()
      } catch (error) {
        await cluster.close()
        throw error
      }
      return cluster
    },
  }
}

/** A rank's place: which process, and which thread of it. */
interface Place {
  readonly group: number
  readonly thread: number
}

export class TcpCluster implements Cluster {
  groups: readonly number[]
  readonly #options: ClusterOptions
  readonly #processes: readonly GroupProcess[]
  readonly #places: readonly Place[]
  readonly #ended = new Set<Place>()
  /** Groups whose process was killed, or does nothing at present. */
  readonly #away = new Set<number>()
  /** Of the current generation, in the order of the ranks. */
  #seats: readonly Place[]
  #generation = 1

  constructor(options: ClusterOptions, env: NodeJS.ProcessEnv) {
    const { groups } = options
    this.#options = options
    this.groups = groups
    this.#processes = groups.map((_, group) => new GroupProcess(group, groups, env))
    this.#places = groups.flatMap((size, group) =>
      Array.from({ length: size }, (_, thread) => ({ group, thread })),
    )
    this.#seats = this.#places
  }

  get members(): readonly string[] {
    return Array.from({ length: sizeOf(this.groups) }, (_, rank) => `cpu:${rank}`)
  }

  /** All groups connect to each other, and every rank takes its seat. */
  async join(): Promise<void> {
    const peers = await Promise.all(this.#processes.map(({ listens }) => listens))
    await Promise.all(this.#processes.map((one) => one.ask({ do: 'connect', peers })))
    await this.#make()
  }

  async ask(rank: number, commands: readonly Command[]): Promise<readonly Report[]> {
    const { group, thread } = this.#seats[rank]
    const { reports = [] } = await this.#processes[group].ask({ do: 'ask', thread, commands })
    return reports
  }

  /** In the first group; the others hear of it from there. */
  async abort(cause: string): Promise<void> {
    await this.#processes[this.#seats[0].group].ask({ do: 'abort', cause })
  }

  async end(rank: number): Promise<void> {
    const place = this.#seats[rank]
    this.#ended.add(place)
    await this.#processes[place.group].ask({ do: 'end', thread: place.thread })
  }

  async kill(group: number): Promise<void> {
    this.#away.add(group)
    await this.#processes[group].kill()
  }

  /** The process of a group does nothing until `resume`, and generations begin without it. */
  stall(group: number): void {
    this.#away.add(group)
    this.#processes[group].stop()
  }

  /** The group is a part of the next generation again. */
  resume(group: number): void {
    this.#away.delete(group)
    this.#processes[group].goOn()
  }

  /** Of every trunk of the groups. */
  async peaks(): Promise<readonly number[]> {
    const answers = await Promise.all(this.#processes.map((one) => one.ask({ do: 'peak' })))
    return answers.flatMap(({ peakBytes = [] }) => peakBytes)
  }

  async renew(): Promise<void> {
    const here = this.#processes.filter((_, group) => !this.#away.has(group))
    await Promise.all(here.map((one) => one.ask({ do: 'dispose' })))
    this.#seats = this.#places.filter(
      (place) => !this.#ended.has(place) && !this.#away.has(place.group),
    )
    const left = [...new Set(this.#seats.map(({ group }) => group))]
    this.groups = left.map((group) => this.#seats.filter((seat) => seat.group === group).length)
    this.#generation++
    await this.#make()
  }

  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.#processes.map((one) => one.close()))
    for (const one of closed) if (one.status === 'rejected') throw one.reason
  }

  async #make(): Promise<void> {
    const { members, groups } = this
    const { wire = 'f32', deadlineMs = DEADLINE_MS } = this.#options
    const processes = [...new Set(this.#seats.map(({ group }) => group))]
    const names = processes.map((group) => `group-${group}`)
    const common = { generation: this.#generation, members, groups, names, wire, deadlineMs }
    await Promise.all(
      processes.map((process, group) => {
        const seats = this.#seats.filter((seat) => seat.group === process)
        const threads = seats.map(({ thread }) => thread)
        return this.#processes[process].ask({
          do: 'make',
          generation: { ...common, group, threads },
        })
      }),
    )
  }
}
