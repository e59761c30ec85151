import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import type { KaitianError } from '@kaitian/errors'
import { deferred } from '../deferred.js'
import { endFromRecord, errorFromRecord, threadExited, type End } from '../supervision/failure.js'
import type { Frame, ThreadData } from '../site/wire.js'

/**
 * One worker thread, from its start to its exit. It has always an `error` listener: without
 * one an uncaught error in the worker would end the whole process.
 */
export class Thread {
  readonly port: MessagePort
  readonly #path: string
  readonly #worker: Worker
  readonly #started = deferred<void>()
  readonly #ending = deferred<End>()
  readonly #exited = deferred<void>()
  #error: unknown

  /** @throws DataCloneError when the arguments cannot cross threads */
  constructor(data: Omit<ThreadData, 'port'>) {
    this.#path = data.path
    const { port1, port2 } = new MessageChannel()
    this.port = port1
    const closed = deferred<void>()
    port1.on('close', () => closed.resolve())
    try {
      this.#worker = new Worker(new URL('./thread-main.js', import.meta.url), {
        name: data.path,
        workerData: { ...data, port: port2 },
        transferList: [port2],
      })
    } catch (error) {
      port1.close()
      throw error
    }
    // A failed start is also seen by who awaits `started`.
    this.#started.promise.catch(() => undefined)
    this.#worker.on('error', (error) => {
      this.#error = error
    })
    this.#worker.on('exit', (code) => void this.#exit(code, closed.promise))
  }

  /** The actor has started. Rejects with what its module, constructor or `start` threw. */
  get started(): Promise<void> {
    return this.#started.promise
  }

  /** How the actor ended; known when it says so, at the latest when the thread has exited. */
  get ending(): Promise<End> {
    return this.#ending.promise
  }

  /** Nothing of it runs any more, and all that it had posted has been received. */
  get exited(): Promise<void> {
    return this.#exited.promise
  }

  receive(frame: Frame & { t: 'started' | 'ended' }): void {
    if (frame.t === 'ended') return this.#end(endFromRecord(frame.end))
    if (frame.error === undefined) this.#started.resolve()
    else this.#started.reject(errorFromRecord(frame.error))
  }

  /** Does not wait for the exit, which native code may hold up. */
  terminate(): void {
    void this.#worker.terminate()
  }

  async #exit(code: number, closed: Promise<void>): Promise<void> {
    await closed
    this.#end({ reason: 'exited', error: threadExited(this.#path, code, this.#error) })
    this.#exited.resolve()
  }

  #end(end: End): void {
    const error: KaitianError = end.error ?? threadExited(this.#path, 0)
    this.#started.reject(error)
    this.#ending.resolve(end)
  }
}
