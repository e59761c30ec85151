import {
  loadBackend,
  type CommBackend,
  type Communicator,
  type CommunicatorTicket,
  type DType,
  type Region,
  type Signature,
} from '@kaitian/comm-native'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Command, Reply } from './rank.js'

export type Implementation = CommBackend['implementation']

/** A rank in a worker thread, driven by the test one command at a time. */
export class RemoteRank {
  readonly #worker = new Worker(new URL('./rank.js', import.meta.url))

  async call(command: Command): Promise<unknown> {
    this.#worker.postMessage(command)
    const [reply] = (await once(this.#worker, 'message')) as [Reply]
    if ('value' in reply) return reply.value
    throw Object.assign(new Error(reply.message), { code: reply.code })
  }

  /** Makes the thread a leader that waits for an operation which never comes. */
  async lead(options: { members: string[]; deadlineMs: number }): Promise<CommunicatorTicket> {
    return (await this.call({ do: 'lead', ...options })) as CommunicatorTicket
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }
}

export interface ClusterOptions {
  readonly ranks: number
  /** Elements in each rank's region; 17 when not given. */
  readonly count?: number
  readonly dtype?: DType
  readonly deadlineMs?: number
}

/** The leader in this thread, `ranks` members in threads of their own, memory allocated by them. */
export class Cluster {
  readonly backend: CommBackend
  readonly members: RemoteRank[]
  readonly regions: Region[]
  readonly communicator: Communicator
  readonly dtype: DType
  readonly count: number

  private constructor(
    backend: CommBackend,
    members: RemoteRank[],
    regions: Region[],
    options: ClusterOptions,
  ) {
    this.backend = backend
    this.members = members
    this.regions = regions
    this.dtype = options.dtype ?? 'f32'
    this.count = options.count ?? 17
    this.communicator = backend.createCommunicator({
      generation: 7,
      members: members.map((_, rank) => `cpu:${rank}`),
      regions: regions.map((region) => ({ [this.dtype]: region })),
      deadlineMs: options.deadlineMs ?? 600_000,
    })
  }

  static async open(implementation: Implementation, options: ClusterOptions): Promise<Cluster> {
    const members = Array.from({ length: options.ranks }, () => new RemoteRank())
    const byteLength = (options.count ?? 17) * (options.dtype === 'i64' ? 8 : 4)
    const regions = await Promise.all(
      members.map(async (member) => {
        await member.call({ do: 'load', implementation })
        return (await member.call({ do: 'allocate', name: 'gradient', byteLength })) as Region
      }),
    )
    const cluster = new Cluster(loadBackend(implementation), members, regions, options)
    const { ticket } = cluster.communicator
    await Promise.all(members.map((member, rank) => member.call({ do: 'join', ticket, rank })))
    return cluster
  }

  signature(sequence = 0, change: Partial<Signature> = {}): Signature {
    const { dtype, count } = this
    return { sequence, op: 'sum', dtype, count, offset: 0, generation: 7, ...change }
  }

  f32(rank: number): Float32Array {
    const { buffer, byteOffset } = this.regions[rank]
    return new Float32Array(buffer, byteOffset, this.count)
  }

  i64(rank: number): BigInt64Array {
    const { buffer, byteOffset } = this.regions[rank]
    return new BigInt64Array(buffer, byteOffset, this.count)
  }

  /** Every rank marks the operation, each in its thread. */
  async allReady(sequence = 0): Promise<void> {
    const signature = this.signature(sequence)
    await Promise.all(this.members.map((member) => member.call({ do: 'ready', signature })))
  }

  async close(): Promise<void> {
    await this.communicator.dispose()
    await Promise.all(this.members.map((member) => member.terminate()))
  }
}

/** Runs a test on a cluster that is closed whatever happens. */
export function withCluster(
  implementation: Implementation,
  options: ClusterOptions,
  test: (cluster: Cluster) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const cluster = await Cluster.open(implementation, options)
    try {
      await test(cluster)
    } finally {
      await cluster.close()
    }
  }
}

export interface Failed {
  readonly code: string
  readonly message: string
  readonly fields: Record<string, unknown>
}

/** The error a promise rejects with; fails the test when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Failed> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error as Failed,
  )
  if (outcome === undefined) throw new Error('the promise was expected to reject')
  return outcome
}

/** The error a call throws; fails the test when it does not. */
export function thrown(call: () => unknown): Failed {
  try {
    call()
  } catch (error) {
    return error as Failed
  }
  throw new Error('the call was expected to throw')
}
