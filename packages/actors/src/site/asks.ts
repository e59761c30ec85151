import type { DeadLetterReason } from '../api/events.js'
import type { Asker, RemoteTarget, RoomQuery } from './remote.js'

interface Ask {
  asker: Asker | RoomQuery
  target: RemoteTarget
  index: number
  /** It takes up room on the way to its target. */
  onItsWay: boolean
}

/** What was asked of one peer, by number, until its outcome is known: each has one (A3). */
export class Asks {
  #lastId = 0
  readonly #open = new Map<number, Ask>()

  /** Who waits for an ask or a flow. */
  get askers(): Asker[] {
    return [...this.#open.values()].flatMap(({ asker }) => (asker.kind === 'room' ? [] : [asker]))
  }

  /** One departs; returns its number. */
  note(asker: Asker, target: RemoteTarget, index: number): number {
    return this.#note({ asker, target, index, onItsWay: true })
  }

  /** No message. */
  noteQuery(asker: RoomQuery, target: RemoteTarget): number {
    return this.#note({ asker, target, index: 0, onItsWay: false })
  }

  /** The one that waits for it, if it still does. */
  find(id: number): Asker | RoomQuery | undefined {
    return this.#open.get(id)?.asker
  }

  /** It has left the mailbox, and its outcome is still to come. */
  arrived(id: number): void {
    const ask = this.#open.get(id)
    if (ask !== undefined) arrive(ask)
  }

  /** The outcome is known, and the caller tells the asker. */
  take(id: number): Asker | RoomQuery | undefined {
    const ask = this.#open.get(id)
    if (ask === undefined) return undefined
    this.#open.delete(id)
    arrive(ask)
    return ask.asker
  }

  /** No outcome will come for any of them. */
  lose(reason: DeadLetterReason, cause: Error | undefined): void {
    // Also those that are sent by who hears of it.
    for (const [id, { asker, target, index }] of this.#open) {
      this.#open.delete(id)
      if (asker.kind === 'room') asker.lost()
      else asker.dead(reason, index, target.path, cause)
    }
  }

  #note(ask: Ask): number {
    const id = ++this.#lastId
    this.#open.set(id, ask)
    return id
  }
}

function arrive(ask: Ask): void {
  if (!ask.onItsWay) return
  ask.onItsWay = false
  ask.target.arrived(1)
}
