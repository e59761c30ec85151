import { Worker } from 'node:worker_threads'
import type { Gradient } from './message.js'
import type { RawFrame, RawReply } from './raw-thread.js'

/** What one would write by hand over postMessage: an id for each question, and no failures. */
export class RawWorker {
  readonly #worker = new Worker(new URL('./raw-thread.js', import.meta.url))
  readonly #waiting = new Map<number, (reply: number) => void>()
  #lastId = 0

  constructor() {
    this.#worker.on('message', ({ id, reply }: RawReply) => {
      this.#waiting.get(id)?.(reply)
      this.#waiting.delete(id)
    })
  }

  ask(message: Gradient): Promise<number> {
    return this.#question((id) => ({ type: 'ask', id, message }))
  }

  total(): Promise<number> {
    return this.#question((id) => ({ type: 'total', id }))
  }

  tell(message: Gradient): void {
    this.#worker.postMessage(message satisfies RawFrame)
  }

  tellAll(messages: Gradient[]): void {
    this.#worker.postMessage(messages satisfies RawFrame)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #question(frame: (id: number) => RawFrame): Promise<number> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#worker.postMessage(frame(id))
    })
  }
}
