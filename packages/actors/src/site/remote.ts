import type { KaitianError } from '@kaitian/errors'
import type { BookEntry, Envelope } from '../actor/book.js'
import type { DeadLetterReason } from '../api/events.js'
import type { End } from '../supervision/failure.js'
import type { Target } from '../actor/handle.js'
import type { Link } from './link.js'
import type { TellOutcome } from '../api/ref.js'
import type { Address } from './wire.js'

/** An actor in another thread, seen from the sender's side. */
export class RemoteTarget implements Target {
  readonly address: Address
  readonly #link: Link
  readonly #watchers = new Set<(end: End) => void>()
  /**
   * Messages from this thread whose outcome is not known yet. Held to the mailbox's capacity,
   * so the sender learns of an overflow at once and a port's queue is bounded too (A6).
   */
  inFlight = 0

  constructor(link: Link, address: Address) {
    this.#link = link
    this.address = address
  }

  get watched(): boolean {
    return this.#watchers.size > 0
  }

  accept(entry: BookEntry, payload: unknown): TellOutcome {
    return this.#link.send(this, entry, payload)
  }

  watch(callback: (end: End) => void): () => void {
    const watcher = (end: End): void => callback(end)
    const isFirst = this.#watchers.size === 0
    this.#watchers.add(watcher)
    if (isFirst) this.#link.startWatch(this)
    return () => void this.#watchers.delete(watcher)
  }

  down(end: End): void {
    const watchers = [...this.#watchers]
    this.#watchers.clear()
    for (const watcher of watchers) watcher(end)
  }
}

/** A message from another thread, on the receiver's side: its outcome goes back by the link. */
export class RemoteEnvelope implements Envelope {
  readonly kind: 'ask' | 'tell'
  readonly message: string
  readonly payload: unknown
  readonly id: number
  cancelled = false
  readonly #link: Link
  /** The link's; a peer restarted since then would take our id for one of its own. */
  readonly epoch: number

  constructor(
    link: Link,
    epoch: number,
    frame: { t: 'ask' | 'tell'; id: number; name: string },
    payload: unknown,
  ) {
    this.#link = link
    this.epoch = epoch
    this.kind = frame.t
    this.id = frame.id
    this.message = frame.name
    this.payload = payload
  }

  handled(value: unknown): void {
    this.#link.answerHandled(this, value)
  }

  refused(error: KaitianError): void {
    this.#link.answer(this, { t: 'refused', id: this.id, error: error.toRecord() })
  }

  dead(reason: DeadLetterReason, error: KaitianError): void {
    this.#link.answer(this, { t: 'dead', id: this.id, reason, error: error.toRecord() })
  }
}
