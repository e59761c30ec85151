import { MessageChannel, Worker } from 'node:worker_threads'
import { ownFile } from '@kaitian/errors'
import { deferred } from '../deferred.js'
import type { SiteData } from '../site/wire.js'
import type { Hall } from '../transport/hall.js'
import { messagePort } from '../transport/message-port.js'
import type { Port } from '../transport/port.js'
import { AbortWord } from './abort-word.js'
import { Vessel } from './vessel.js'

/**
 * One worker thread. It has always an `error` listener: without one an uncaught error in the
 * worker would end the whole process.
 */
export class Thread extends Vessel {
  readonly placement = 'thread'
  readonly port: Port
  readonly #worker: Worker
  readonly #abortWord = new AbortWord()

  /** @throws DataCloneError when the arguments cannot cross threads */
  constructor(data: SiteData, hall: Hall) {
    super('thread', data.path)
    const { port1, port2 } = new MessageChannel()
    // What it had said may be missed for ever, so it ends, as a process does that breaks its protocol.
    this.port = messagePort(port1, (error) => {
      this.cause = error
      this.terminate()
    })
    const closed = deferred<void>()
    port1.on('close', () => closed.resolve())
    const abortWord = this.#abortWord.buffer
    const threadData: ThreadData = { ...data, abortWord, port: port2, hall: hall.folder }
    try {
      this.#worker = new Worker(ownFile('./host/thread-main.js', import.meta.url), {
        name: data.path,
        workerData: threadData,
        transferList: [port2],
      })
    } catch (error) {
      port1.close()
      throw error
    }
    this.#worker.on('error', (error) => {
      this.cause = error
    })
    this.#worker.on('exit', (code) => {
      hall.clear(data.site)
      void closed.promise.then(() => this.exit(code))
    })
  }

  abort(): boolean {
    return this.#abortWord.set()
  }

  terminate(): void {
    void this.#worker.terminate()
  }

  abandon(): void {
    this.#worker.unref()
  }
}

/** What a new thread finds in its workerData. */
export type ThreadData = SiteData & { port: MessageChannel['port1']; hall: string }
