import type { Trace } from '../api/ref.js'
import type { Mailbox } from './mailbox.js'
import type { Origin } from './origin.js'

/** A message that was put aside. */
export interface Stashed {
  readonly index: number
  readonly payload: unknown
  readonly origin: Origin | undefined
  readonly trace: Trace | undefined
}

/** Messages that `ctx.stash` put aside, in order. */
export class Stash {
  #messages: Stashed[] = []

  get size(): number {
    return this.#messages.length
  }

  get origins(): (Origin | undefined)[] {
    return this.#messages.map(({ origin }) => origin)
  }

  /** The message in hand. */
  put({ index, payload, origin, trace }: Mailbox<Origin>): void {
    this.#messages.push({ index, payload, origin, trace })
  }

  takeAll(): Stashed[] {
    return this.#messages.splice(0)
  }

  /** To the head of the mailbox, in order. */
  putBack(mailbox: Mailbox<Origin>): void {
    for (const { index, payload, origin, trace } of this.takeAll().toReversed()) {
      mailbox.unshift(index, payload, origin, trace)
    }
  }
}
