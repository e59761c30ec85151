import type { MessagePort } from 'node:worker_threads'
import type { Port, Transferable } from './port.js'

/** A port between threads of one process. */
export function messagePort(port: MessagePort): Port {
  return new ThreadPort(port)
}

class ThreadPort implements Port {
  readonly #port: MessagePort
  /** Node.js tells of the end by an event, which a late listener would miss. */
  #closed = false
  #onClose: (() => void) | undefined

  constructor(port: MessagePort) {
    this.#port = port
    port.once('close', () => {
      this.#closed = true
      this.#onClose?.()
    })
  }

  post(message: unknown, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, transfer)
  }

  receive(listener: (message: unknown) => void): void {
    this.#port.on('message', listener)
  }

  onClose(listener: () => void): void {
    this.#onClose = listener
    if (this.#closed) queueMicrotask(listener)
  }

  close(): void {
    this.#port.close()
  }
}
