/**
 * The least a mailbox can be: an array, emptied in a microtask. No bound, no books, no failures,
 * no order to stop: what the machine allows, not something to use.
 */
export class FloorMailbox<Message> {
  #waiting: Message[] = []
  #scheduled = false
  readonly #handle: (message: Message) => void

  constructor(handle: (message: Message) => void) {
    this.#handle = handle
  }

  send(message: Message): void {
    this.#waiting.push(message)
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(this.#drain)
  }

  readonly #drain = (): void => {
    this.#scheduled = false
    const batch = this.#waiting
    this.#waiting = []
    for (const message of batch) this.#handle(message)
  }
}
