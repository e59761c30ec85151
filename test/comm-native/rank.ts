import {
  loadBackend,
  type CommBackend,
  type CommunicatorTicket,
  type DeviceContext,
  type Membership,
  type Signature,
} from '@kaitian/comm-native'
import { parentPort } from 'node:worker_threads'

/** What a test asks of a rank that lives in its own worker thread. */
export type Command =
  | { do: 'load'; implementation: 'native' | 'typescript' }
  | { do: 'allocate'; name: string; byteLength: number }
  | { do: 'join'; ticket: CommunicatorTicket; rank: number }
  | { do: 'lead'; members: string[]; deadlineMs: number }
  | { do: 'ready'; signature: Signature }
  | { do: 'aborted' }
  | { do: 'abort'; ticket: CommunicatorTicket; cause: string }
  | { do: 'leave' }

export type Reply = { value: unknown } | { code: string | undefined; message: string }

/** A rank's thread: one backend, one context, one membership. */
class Rank {
  #backend!: CommBackend
  #context!: DeviceContext
  #membership!: Membership

  run(command: Command): unknown {
    switch (command.do) {
      case 'load':
        this.#backend = loadBackend(command.implementation)
        this.#context = this.#backend.openContext({ vendor: 'cpu', ordinal: 0 })
        return undefined
      case 'allocate':
        return this.#context.allocate(command.name, command.byteLength)
      case 'join':
        this.#membership = this.#backend.joinCommunicator(command.ticket, command.rank)
        return undefined
      case 'lead':
        return this.#lead(command.members, command.deadlineMs)
      case 'ready':
        return this.#membership.ready(command.signature)
      case 'aborted':
        return this.#membership.aborted
      case 'abort':
        return this.#backend.abortCommunicator(command.ticket, command.cause)
      case 'leave':
        return this.#membership.leave()
    }
  }

  #lead(members: string[], deadlineMs: number): CommunicatorTicket {
    const regions = members.map((name) => ({ f32: this.#context.allocate(name, 64) }))
    const options = { generation: 7, members, regions, deadlineMs }
    const communicator = this.#backend.createCommunicator(options)
    const operation = { sequence: 0, op: 'sum', dtype: 'f32', count: 16, offset: 0 } as const
    // Rejects when the thread ends, and then nobody listens.
    communicator.allreduce({ ...operation, generation: 7 }).catch(() => {})
    return communicator.ticket
  }
}

const rank = new Rank()

function answer(command: Command): Reply {
  try {
    return { value: rank.run(command) }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return { code, message }
  }
}

parentPort?.on('message', (command: Command) => parentPort?.postMessage(answer(command)))
