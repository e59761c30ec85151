import { Worker } from 'node:worker_threads'
import type { ThreadAnswer, ThreadRequest } from './threads-rank.js'

/** A rank's thread; one question at a time, as only one rank answers. */
export class Thread {
  readonly #worker = new Worker(new URL('./threads-rank.js', import.meta.url))
  #waiting: { resolve(answer: ThreadAnswer): void; reject(error: Error): void } | undefined
  #gone: Error | undefined

  constructor() {
    this.#worker.on('message', (answer: ThreadAnswer) => {
      const waiting = this.#waiting
      this.#waiting = undefined
      waiting?.resolve(answer)
    })
    this.#worker.on('error', (error: Error) => this.#end(error))
    this.#worker.on('exit', () => this.#end(new Error('the thread of the rank has ended')))
  }

  ask(request: ThreadRequest): Promise<ThreadAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) return reject(this.#gone)
      this.#waiting = { resolve, reject }
      this.#worker.postMessage(request)
    })
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  #end(error: Error): void {
    this.#gone ??= error
    this.#waiting?.reject(this.#gone)
    this.#waiting = undefined
  }
}
