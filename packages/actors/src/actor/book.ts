import type { Accounts, DeadLetter, DeadLetterReason } from '../api/events.js'
import type { MessageKind } from '../api/protocol.js'

/** Counts what became of the messages that this thread sent (A4). */
export class Book {
  sent = 0
  handled = 0
  #deadLettered = 0
  readonly #report: (letter: DeadLetter) => void

  constructor(report: (letter: DeadLetter) => void) {
    this.#report = report
  }

  dead(
    to: string,
    kind: MessageKind,
    message: string,
    reason: DeadLetterReason,
    count: number = 1,
  ): void {
    this.#deadLettered += count
    this.#report({ to, kind, message, reason, count })
  }

  /** Adds the book of a thread that ended in good order. */
  inherit(accounts: Accounts): void {
    this.sent += accounts.sent
    this.handled += accounts.handled
    this.#deadLettered += accounts.deadLettered
  }

  accounts(): Accounts {
    return {
      sent: this.sent,
      handled: this.handled,
      deadLettered: this.#deadLettered,
      inFlight: this.sent - this.handled - this.#deadLettered,
    }
  }
}
