import type { MessagePort } from 'node:worker_threads'
import { KaitianError } from '@kaitian/errors'
import { Inlet } from './inlet.js'
import type { Port, Transferable } from './port.js'

/**
 * A port between threads of one process.
 *
 * @param unreadable a message came that cannot be read here, so that the port closes: to go on
 * without it would leave whoever waits for its answer waiting
 */
export function messagePort(port: MessagePort, unreadable?: (error: KaitianError) => void): Port {
  return new ThreadPort(port, unreadable)
}

class ThreadPort implements Port {
  readonly #port: MessagePort
  readonly #inlet = new Inlet()
  /** Node.js tells of the end by an event, which a late listener would miss. */
  #closed = false
  #onClose: (() => void) | undefined

  constructor(port: MessagePort, unreadable: ((error: KaitianError) => void) | undefined) {
    this.#port = port
    port.once('close', () => {
      this.#closed = true
      this.#onClose?.()
    })
    port.on('messageerror', (cause) => {
      this.#inlet.close()
      unreadable?.(
        new KaitianError(
          'FRAME_INVALID',
          'A message from another thread cannot be read; send plain data, typed arrays, shared buffers and refs',
          { cause },
        ),
      )
      this.close()
    })
  }

  post(message: unknown, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, transfer)
  }

  receive(listener: (message: unknown) => void): void {
    this.#inlet.attend(listener)
    this.#port.on('message', (message: unknown) => this.#inlet.deliver(message))
  }

  onClose(listener: () => void): void {
    this.#onClose = listener
    if (this.#closed) queueMicrotask(listener)
  }

  close(): void {
    this.#inlet.close()
    this.#port.close()
  }
}
