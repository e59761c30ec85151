import type { KaitianError } from '@kaitian/errors'
import type { Accounts, DeadLetter, DeadLetterReason } from '../api/events.js'
import type { PendingAsk } from './pending-ask.js'

/** Counts what became of the messages that this thread sent (A4). */
export class Book {
  #sent = 0
  #handled = 0
  #deadLettered = 0
  readonly #report: (letter: DeadLetter) => void

  constructor(report: (letter: DeadLetter) => void) {
    this.#report = report
  }

  /** Opens an entry; it is closed once, as handled or dead. */
  open(
    to: string,
    kind: 'ask' | 'tell',
    message: string,
    pending: PendingAsk | undefined,
  ): BookEntry {
    this.#sent++
    return new BookEntry(this, to, kind, message, pending)
  }

  /** For {@link BookEntry}. */
  closeHandled(): void {
    this.#handled++
  }

  /** For {@link BookEntry}. */
  closeDead(letter: DeadLetter): void {
    this.#deadLettered++
    this.#report(letter)
  }

  /** Adds the book of a thread that ended in good order. */
  inherit(accounts: Accounts): void {
    this.#sent += accounts.sent
    this.#handled += accounts.handled
    this.#deadLettered += accounts.deadLettered
  }

  accounts(): Accounts {
    return {
      sent: this.#sent,
      handled: this.#handled,
      deadLettered: this.#deadLettered,
      inFlight: this.#sent - this.#handled - this.#deadLettered,
    }
  }
}

/** One message on the sender's side: its place in the book, and its asker. */
export class BookEntry {
  readonly #book: Book
  readonly #to: string
  readonly kind: 'ask' | 'tell'
  readonly message: string
  readonly pending: PendingAsk | undefined
  #closed = false

  constructor(
    book: Book,
    to: string,
    kind: 'ask' | 'tell',
    message: string,
    pending: PendingAsk | undefined,
  ) {
    this.#book = book
    this.#to = to
    this.kind = kind
    this.message = message
    this.pending = pending
  }

  handled(value: unknown): void {
    if (!this.#close()) return
    this.#book.closeHandled()
    this.pending?.resolve(value)
  }

  /** Handled, by throwing. */
  refused(error: KaitianError): void {
    if (!this.#close()) return
    this.#book.closeHandled()
    this.pending?.reject(error)
  }

  dead(reason: DeadLetterReason, error: KaitianError): void {
    if (!this.#close()) return
    this.pending?.reject(error)
    this.#book.closeDead({ to: this.#to, kind: this.kind, message: this.message, reason })
  }

  #close(): boolean {
    if (this.#closed) return false
    this.#closed = true
    return true
  }
}

/** A message on the receiver's side. Exactly one of the three outcomes is called. */
export interface Envelope {
  readonly kind: 'ask' | 'tell'
  readonly message: string
  readonly payload: unknown
  /** The asker gave up; there is no use in handling it. */
  readonly cancelled: boolean
  handled(value: unknown): void
  refused(error: KaitianError): void
  dead(reason: DeadLetterReason, error: KaitianError): void
}

/** From an actor of the same thread: the sender's entry itself, with the payload. */
export class LocalEnvelope implements Envelope {
  readonly #entry: BookEntry
  readonly payload: unknown

  constructor(entry: BookEntry, payload: unknown) {
    this.#entry = entry
    this.payload = payload
  }

  get kind(): 'ask' | 'tell' {
    return this.#entry.kind
  }

  get message(): string {
    return this.#entry.message
  }

  get cancelled(): boolean {
    return this.#entry.pending?.settled ?? false
  }

  handled(value: unknown): void {
    this.#entry.handled(value)
  }

  refused(error: KaitianError): void {
    this.#entry.refused(error)
  }

  dead(reason: DeadLetterReason, error: KaitianError): void {
    this.#entry.dead(reason, error)
  }
}
