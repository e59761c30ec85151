import type { CommunicatorTicket } from '@kaitian/comm-native'
import type { MessagePort } from 'node:worker_threads'

export interface Word {
  readonly ticket?: CommunicatorTicket
  /** Where to connect to. */
  readonly port?: number
  /** For the other thread to hold until it is given other memory, or ends. */
  readonly memory?: readonly SharedArrayBuffer[]
}

/** The other end's thread has ended. */
export class Gone extends Error {}

/** Between two threads, of which either may end at any moment. */
export class Line {
  readonly #port: MessagePort
  readonly #words: Word[] = []
  #memory: readonly SharedArrayBuffer[] = []
  #closed = false
  #wake = (): void => {}

  constructor(port: MessagePort) {
    this.#port = port
    port.on('close', () => {
      this.#closed = true
      this.#wake()
    })
    port.on('message', (word: Word) => {
      if (word.memory === undefined) this.#words.push(word)
      else this.#memory = word.memory
      this.#wake()
    })
  }

  /** How much of the other's memory this end holds. */
  get held(): number {
    return this.#memory.length
  }

  say(word: Word): void {
    this.#port.postMessage(word)
  }

  /** @throws Gone */
  async hear(): Promise<Word> {
    while (this.#words.length === 0) {
      if (this.#closed) throw new Gone('the other thread has ended')
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return this.#words.shift()!
  }
}
