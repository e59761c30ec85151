import { WeakIndex } from '../weak-index.js'
import type { Link } from './link.js'
import { RemoteTarget } from './remote.js'
import type { Address } from './wire.js'

/**
 * The actors of one peer that this thread knows of: one object for each, as long as somebody holds
 * its ref or waits for news of it. Its number is never another actor's, whatever incarnation the
 * peer is in, but for the first one, which is the same actor in all of them.
 */
export class Targets {
  readonly #link: Link
  readonly #known = new WeakIndex<number, RemoteTarget>()
  /** By number: news of them will come, though nobody may hold their refs. */
  readonly #awaited = new Map<number, RemoteTarget>()

  constructor(link: Link) {
    this.#link = link
  }

  /** The actor at this address; the same object each time. */
  at(address: Address): RemoteTarget {
    let target = this.#known.get(address.id)
    if (target === undefined) {
      target = new RemoteTarget(this.#link, address)
      this.#known.set(address.id, target)
    }
    return target
  }

  /** Whom there is news for. */
  awaited(id: number): RemoteTarget | undefined {
    return this.#awaited.get(id)
  }

  /** As they are now: who is told may await, and be awaited, anew. */
  allAwaited(): RemoteTarget[] {
    return [...this.#awaited.values()]
  }

  hold(target: RemoteTarget): void {
    this.#awaited.set(target.address.id, target)
  }

  release(target: RemoteTarget): void {
    this.#awaited.delete(target.address.id)
  }
}
