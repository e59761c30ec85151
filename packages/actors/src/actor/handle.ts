import type { Clock } from '../clock.js'
import type { Book, BookEntry } from './book.js'
import type { End } from '../supervision/failure.js'
import { PendingAsk } from './pending-ask.js'
import type { Protocol } from '../api/protocol.js'
import type { AskOptions, Ref, TellOutcome } from '../api/ref.js'
import type { Address, SiteId } from '../site/wire.js'

/** Where messages for one actor go in: the actor itself, or the link to its thread. */
export interface Target {
  readonly address: Address
  /** Takes the message or closes the entry as dead; says which. */
  accept(entry: BookEntry, payload: unknown): TellOutcome
  /** Calls back once, when the actor is gone for good. Returns unwatch. */
  watch(callback: (end: End) => void): () => void
}

/** What a handle needs of the thread that it lives in. */
export interface Sender {
  readonly id: SiteId
  readonly clock: Clock
  readonly book: Book
}

type AskMethod = (payload?: unknown, options?: AskOptions) => Promise<unknown>
type TellMethod = (payload?: unknown) => TellOutcome

/**
 * The one implementation of `Ref`. One object per actor and thread, so `===` compares actors.
 * Its methods are plain ones, made from the protocol's names: no Proxy, so neither `then` nor
 * `__proto__` means anything special.
 */
export class Handle {
  readonly path: string
  readonly ask: Readonly<Record<string, AskMethod>>
  readonly tell: Readonly<Record<string, TellMethod>>
  readonly #target: Target
  readonly #sender: Sender

  constructor(target: Target, sender: Sender) {
    this.#target = target
    this.#sender = sender
    const { path, asks, tells } = target.address
    this.path = path
    this.ask = methods(asks, (name) => (payload, options) => this.#ask(name, payload, options))
    this.tell = methods(tells, (name) => (payload) => this.#tell(name, payload))
  }

  static targetOf(handle: Handle): Target {
    return handle.#target
  }

  static senderOf(handle: Handle): Sender {
    return handle.#sender
  }

  #ask(name: string, payload: unknown, options: AskOptions | undefined): Promise<unknown> {
    const { book, clock } = this.#sender
    const pending = new PendingAsk(this.path, name, options, clock)
    // Its signal had aborted already: nothing is sent.
    if (!pending.settled) {
      this.#target.accept(book.open(this.path, 'ask', name, pending), payload)
    }
    return pending.promise
  }

  #tell(name: string, payload: unknown): TellOutcome {
    const entry = this.#sender.book.open(this.path, 'tell', name, undefined)
    return this.#target.accept(entry, payload)
  }
}

/** The handle as users see it. The names were checked against `P` where it was spawned. */
export function asRef<P extends Protocol>(handle: Handle): Ref<P> {
  return handle as unknown as Ref<P>
}

function methods<Method>(
  names: readonly string[],
  make: (name: string) => Method,
): Readonly<Record<string, Method>> {
  const made: Record<string, Method> = Object.create(null) as Record<string, Method>
  for (const name of names) made[name] = make(name)
  return Object.freeze(made)
}
