import type { Port } from '../transport/port.js'
import { Answers } from './answers.js'
import { Asks } from './asks.js'
import { giveBack } from './give-back.js'
import type { Link } from './link.js'
import { Outbox } from './outbox.js'
import { Ports } from './ports.js'
import { Reader } from './reader.js'

/** What a link does as one of its connections comes to an end. */
export interface ConnectionEvents {
  /** Nothing can be sent any more, but what the peer had posted may still come. */
  broken(connection: Connection): void
  /** It is over, and whatever the peer has answered was heard. @param cause where that is known */
  ended(connection: Connection, cause: Error | undefined): void
}

/**
 * What is said between this site and one incarnation of another: from the first frame, which may
 * wait for a port, until nothing more comes. Everything that has a number is numbered within it, so
 * that nothing which one incarnation says or hears can be taken for the next one's: that has a
 * connection of its own, and this one, once over, neither reads nor sends.
 */
export class Connection {
  readonly asks = new Asks()
  readonly outbox: Outbox
  readonly answers: Answers
  readonly #events: ConnectionEvents
  readonly #reader: Reader
  readonly #ports: Ports
  readonly #atEnd = new Set<() => void>()
  #over = false

  constructor(link: Link, events: ConnectionEvents) {
    const { site } = link
    this.#events = events
    this.outbox = new Outbox(
      site.scheduler,
      () => this.answers.writeAcknowledgements(),
      (frame, cause) => giveBack(link, this, frame, cause),
      (frame) => {
        // The other end would wait for ever.
        if (frame.t === 'introduced') site.discard(frame.way)
      },
    )
    this.answers = new Answers(site, this.outbox)
    this.#reader = new Reader(link, this)
    this.#ports = new Ports({
      post: (post) => {
        if (!this.#over) this.#reader.read(post)
      },
      broken: () => {
        if (this.#over) return
        this.outbox.detach()
        events.broken(this)
      },
      ended: () => this.end(),
    })
  }

  /** It can send. */
  get connected(): boolean {
    return this.#ports.sending !== undefined
  }

  /** Nothing comes, or not yet. */
  get silent(): boolean {
    return this.#ports.silent
  }

  /** Another port to the same incarnation. */
  add(port: Port): void {
    if (this.#over) return port.close()
    if (this.#ports.add(port)) this.outbox.attach(port)
  }

  /** Calls back when it is over. Returns what takes that back. */
  atEnd(callback: () => void): () => void {
    this.#atEnd.add(callback)
    return () => void this.#atEnd.delete(callback)
  }

  /** Whoever here works for the peer may stop, and what has no outcome yet will have none. */
  end(cause?: Error): void {
    if (this.#over) return
    this.#over = true
    this.#ports.closeAll()
    this.outbox.close()
    this.#reader.end()
    this.answers.end()
    for (const callback of this.#atEnd) callback()
    this.#atEnd.clear()
    this.#events.ended(this, cause)
  }
}
