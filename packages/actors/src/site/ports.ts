import type { Port } from '../transport/port.js'
import type { Post } from './wire.js'

/** What a connection does as its ports come and go. */
export interface PortEvents {
  post(post: Post): void
  /** Nothing can be sent any more, but what the peer had posted may still come. */
  broken(): void
  /** And now nothing will. */
  ended(): void
}

/**
 * The ports to one peer. There is more than one when both sides asked to be introduced: each sends
 * on the first it got, so what the peer said last may come by any of them.
 */
export class Ports {
  readonly #events: PortEvents
  readonly #open = new Set<Port>()
  /** What we send on. */
  #sending: Port | undefined

  constructor(events: PortEvents) {
    this.#events = events
  }

  get sending(): Port | undefined {
    return this.#sending
  }

  /** Nothing comes, or not yet. */
  get silent(): boolean {
    return this.#open.size === 0
  }

  /** True when it is the one to send on. */
  add(port: Port): boolean {
    this.#open.add(port)
    const isFirst = this.#sending === undefined
    if (isFirst) this.#sending = port
    port.receive((post) => this.#events.post(post as Post))
    port.onClose(() => this.#close(port))
    return isFirst
  }

  closeAll(): void {
    for (const port of this.#open) this.#close(port)
  }

  #close(port: Port): void {
    if (!this.#open.delete(port)) return
    port.close()
    if (port === this.#sending) {
      this.#sending = undefined
      this.#events.broken()
    }
    if (this.silent) this.#events.ended()
  }
}
