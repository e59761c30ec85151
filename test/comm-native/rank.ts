import { loadBackend, type CommBackend, type CommunicatorTicket } from '@kaitian/comm-native'
import type { DeviceContext, Membership, Signature } from '@kaitian/comm-native'
import { parentPort } from 'node:worker_threads'

/** What a test asks of a rank that lives in its own worker thread. */
export type Command =
  | { do: 'load'; implementation: 'native' | 'typescript' }
  | { do: 'allocate'; name: string; byteLength: number }
  | { do: 'disposeContext' }
  | { do: 'join'; ticket: CommunicatorTicket; rank: number }
  | { do: 'ready'; signature: Signature }
  | { do: 'aborted' }
  | { do: 'abort'; ticket: CommunicatorTicket; cause: string }
  | { do: 'leave' }

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
      case 'disposeContext':
        return this.#context.dispose()
      case 'join':
        this.#membership = this.#backend.joinCommunicator(command.ticket, command.rank)
        return undefined
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
}

const rank = new Rank()
parentPort?.on('message', (command: Command) => {
  try {
    parentPort!.postMessage({ value: rank.run(command) })
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    parentPort!.postMessage({ error: { code, message } })
  }
})
