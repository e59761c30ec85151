import type { Trace } from '../api/ref.js'
import type { Mailbox } from './mailbox.js'
import type { Origin } from './origin.js'

/** Thrown by `ctx.stash`, so that the handler goes no further. */
export const putAside = Symbol('ctx.stash() has put the message aside')

/** Causes that are looked at. */
const longestChain = 16

/** `thrown` is `root`, or an error that was made of it by whoever caught it. */
export function comesFrom(thrown: unknown, root: unknown): boolean {
  try {
    let at = thrown
    for (let i = 0; i < longestChain && at !== root; i++) {
      if (typeof at !== 'object' || at === null) return false
      at = (at as { cause?: unknown }).cause
    }
    return at === root
  } catch {
    // Somebody's getter threw.
    return false
  }
}

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
