import type { DeadLetterReason } from '../api/events.js'
import type { Asker, RemoteTarget } from './remote.js'

interface Ask {
  asker: Asker
  target: RemoteTarget
  index: number
}

/** The asks and flows sent to one peer, by number, until their outcomes are known: each has one (A3). */
export class Asks {
  #lastId = 0
  readonly #open = new Map<number, Ask>()

  /** Who waits for them. */
  get askers(): Asker[] {
    return [...this.#open.values()].map(({ asker }) => asker)
  }

  /** One departs; returns its number. */
  note(asker: Asker, target: RemoteTarget, index: number): number {
    const id = ++this.#lastId
    this.#open.set(id, { asker, target, index })
    return id
  }

  /** The one that waits for it, if it still does. */
  find(id: number): Asker | undefined {
    return this.#open.get(id)?.asker
  }

  /** The outcome is known, and the caller tells the asker. */
  take(id: number): Asker | undefined {
    const ask = this.#open.get(id)
    if (ask === undefined) return undefined
    this.#open.delete(id)
    ask.target.arrived(1)
    return ask.asker
  }

  /** No outcome will come for any of them. */
  lose(reason: DeadLetterReason, cause: Error | undefined): void {
    // Also those that are sent by who hears of it.
    for (const [id, { asker, target, index }] of this.#open) {
      this.#open.delete(id)
      asker.dead(reason, index, target.path, cause)
    }
  }
}
