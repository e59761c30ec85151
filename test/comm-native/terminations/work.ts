import type {
  CommBackend,
  Communicator,
  CommunicatorTicket,
  Membership,
  Signature,
} from '@kaitian/comm-native'
import { connections, type Connections } from './connections.js'
import { Gone, type Line } from './line.js'

/** What threads are in the midst of when they are ended. */
export const KINDS = ['issue', 'completion', 'abort', 'dispose', 'attach', 'regions'] as const
export type Kind = (typeof KINDS)[number]

/** One of two threads that work together. */
export interface Place {
  readonly rank: 0 | 1
  /** A whole number below `below`, of the round's seed. */
  readonly random: (below: number) => number
  /** Before each thing that is done: counts it, and may end the thread. */
  readonly step: () => void
  /** To the other thread, which may be gone. */
  readonly other: Line
  /** The host is told of a communicator, and may abort it. */
  readonly tell: (ticket: CommunicatorTicket) => void
}

/**
 * Never ends by itself. Failures are what is expected here: whoever is waited for may be gone, and
 * then the thread goes on with what it can do alone.
 */
export async function work(kind: Kind, place: Place): Promise<never> {
  place.step()
  const native = await import('@kaitian/comm-native')
  place.step()
  const worker = new Worker(native, place)
  for (let next = kind; ;) {
    try {
      await worker[next]()
    } catch (error) {
      if (error instanceof Gone) next = 'dispose'
      else if (!('code' in (error as Error))) throw error
    }
    // So that a thread whose every call fails still hears what it is told.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Elements of an operation. */
const COUNT = 64
const BYTES = 4 * COUNT
/** For an operation: of those who are there to come, and of nobody. */
const DEADLINE_MS = 300
const SHORT_MS = 5

/** May fail before anybody waits for it. */
function mayFail<T extends Promise<unknown>>(promise: T): T {
  promise.catch(() => {})
  return promise
}

class Worker implements Record<Kind, () => Promise<void>> {
  readonly #native: typeof import('@kaitian/comm-native')
  readonly #backend: CommBackend
  readonly #place: Place
  #generation = 0

  constructor(native: typeof import('@kaitian/comm-native'), place: Place) {
    this.#native = native
    this.#backend = native.loadBackend('native')
    this.#place = place
  }

  /** Buckets and calls of two members in one thread, several at a time. */
  async issue(): Promise<void> {
    const { step, random } = this.#place
    const communicator = this.#open()
    const members = [0, 1].map((rank) => this.#join(communicator.ticket, rank))
    let sequence = 0
    for (let round = 0; round < 10; round++) {
      const done: Promise<void>[] = []
      for (let n = random(6); n >= 0; n--) {
        const bucket = this.#bucket(sequence++)
        step()
        done.push(mayFail(communicator.allreduce(bucket)))
        for (const member of members) {
          step()
          member.ready(bucket)
          done.push(mayFail(member.allreduce({ send: new Float32Array(COUNT) })))
        }
      }
      await Promise.all(done)
    }
    step()
    await communicator.dispose()
  }

  /** A member in each thread; every call becomes asynchronous. */
  async completion(): Promise<void> {
    const { step, rank, other } = this.#place
    const communicator = rank === 0 ? this.#open() : undefined
    if (communicator !== undefined) other.say({ ticket: communicator.ticket })
    const { ticket } = communicator ?? (await other.hear())
    this.#generation = ticket!.generation
    const member = this.#join(ticket!, rank)
    for (let sequence = 0; sequence < 20; sequence++) {
      const bucket = this.#bucket(sequence)
      step()
      const reduced = communicator && mayFail(communicator.allreduce(bucket))
      member.ready(bucket)
      step()
      await Promise.all([reduced, member.allreduce({ send: new Float32Array(COUNT) })])
      step()
      await member.barrier()
    }
    member.leave()
    step()
    await communicator?.dispose()
  }

  /** Much is waited for that never comes, until somebody aborts: the host, or this thread. */
  async abort(): Promise<void> {
    const { step, random } = this.#place
    const communicator = this.#open(random(2) === 0 ? DEADLINE_MS : SHORT_MS)
    const { ticket } = communicator
    const member = this.#join(ticket, 0)
    const failures: Promise<void>[] = []
    for (let sequence = 0; sequence < 30; sequence++) {
      step()
      failures.push(mayFail(communicator.allreduce(this.#bucket(sequence))))
      failures.push(mayFail(member.allreduce({ send: new Float32Array(COUNT) })))
    }
    this.#place.tell(ticket)
    for (let turns = random(20); turns > 0; turns--) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    step()
    this.#backend.abortCommunicator(ticket, 'This thread has had enough.')
    await Promise.allSettled(failures)
    step()
    void communicator.dispose()
  }

  /** Everything that can be opened, closed again in the midst of what it does. */
  async dispose(): Promise<void> {
    const { step, random } = this.#place
    const communicator = this.#open()
    const member = this.#join(communicator.ticket, 0)
    step()
    const trunk = this.#backend.openTrunk()
    step()
    const context = this.#backend.openContext({ vendor: 'cpu', ordinal: 1 })
    context.allocate('of its own', BYTES)
    const failures: Promise<void>[] = []
    for (let calls = random(8); calls >= 0; calls--) {
      failures.push(mayFail(member.barrier()))
    }
    step()
    if (random(2) === 0) member.leave()
    step()
    const disposed = communicator.dispose()
    step()
    trunk.close()
    step()
    context.dispose()
    await Promise.allSettled(failures)
    if (random(2) === 0) await disposed
  }

  /** A group in each thread and TCP between them; connections replace each other in mid-call. */
  async attach(): Promise<void> {
    const { step, rank, random, other } = this.#place
    step()
    const options = { chunkBytes: 64, window: 2, keepAliveMs: 5, silenceMs: 500 }
    const trunk = this.#backend.openTrunk(options)
    let ways: Connections | undefined
    try {
      ways = await connections(rank, other, trunk, step)
      step()
      await ways.next()
      const communicator = this.#backend.createCommunicator({
        generation: ++this.#generation,
        members: ['cpu:0', 'cpu:1'],
        groups: [1, 1],
        span: { group: rank, trunks: rank === 0 ? [undefined, trunk] : [trunk] },
        deadlineMs: DEADLINE_MS,
      })
      const member = this.#join(communicator.ticket, rank)
      for (let round = 0; round < 10; round++) {
        step()
        const send = new Float32Array(COUNT)
        const calls = Array.from({ length: 4 }, () => mayFail(member.allreduce({ send })))
        if (random(2) === 0) await ways.next()
        await Promise.all(calls)
      }
      step()
      void communicator.dispose()
    } finally {
      step()
      trunk.close()
      ways?.close()
    }
  }

  /** Memory that outlives who made it, in this thread, the other one and the core. */
  async regions(): Promise<void> {
    const { step, random, other } = this.#place
    step()
    const made = this.#native.createSharedRegion(2 * BYTES)
    step()
    const opened = this.#native.openSharedRegion(made.address)
    const { buffer } = opened
    other.say({ memory: [made.buffer, buffer] })
    step()
    made.close()
    const one = { name: 'one', buffer, byteOffset: 0, byteLength: BYTES }
    step()
    const communicator = this.#backend.createCommunicator({
      generation: ++this.#generation,
      members: ['cpu:0', 'cpu:1'],
      regions: [{ f32: one }, { f32: { ...one, name: 'other', byteOffset: BYTES } }],
      deadlineMs: DEADLINE_MS,
    })
    const members = [0, 1].map((rank) => this.#join(communicator.ticket, rank))
    for (let sequence = random(8); sequence >= 0; sequence--) {
      const bucket = this.#bucket(sequence)
      step()
      const done = mayFail(communicator.allreduce(bucket))
      for (const member of members) member.ready(bucket)
      await done
    }
    step()
    void communicator.dispose()
    opened.close()
  }

  #open(deadlineMs = DEADLINE_MS): Communicator {
    const { step } = this.#place
    step()
    const context = this.#backend.openContext({ vendor: 'cpu', ordinal: 0 })
    const regions = ['one', 'other'].map((name) => ({ f32: context.allocate(name, BYTES) }))
    step()
    return this.#backend.createCommunicator({
      generation: ++this.#generation,
      members: ['cpu:0', 'cpu:1'],
      regions,
      deadlineMs,
      patienceMs: 0,
    })
  }

  #join(ticket: CommunicatorTicket, rank: number): Membership {
    this.#place.step()
    return this.#backend.joinCommunicator(ticket, rank)
  }

  #bucket(sequence: number): Signature {
    const generation = this.#generation
    return { sequence, op: 'sum', dtype: 'f32', count: COUNT, offset: 0, generation }
  }
}
