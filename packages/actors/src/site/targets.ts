import { WeakIndex } from '../weak-index.js'
import type { Link } from './link.js'
import { RemoteTarget } from './remote.js'
import { firstActorId, type Address } from './wire.js'

/** The actors of one peer that this thread knows of: one object for each, by number. */
export class Targets {
  readonly #link: Link
  readonly #known = new Map<number, RemoteTarget>()
  /** Of incarnations that have ended. */
  readonly #past = new WeakIndex<RemoteTarget>()
  /** The peer's other actors ended with its last incarnation, but their outcomes may still come. */
  #expiring = false

  constructor(link: Link) {
    this.#link = link
  }

  /** The actor at this address; the same object each time. */
  at(address: Address): RemoteTarget {
    let target = this.#known.get(address.id) ?? this.#past.get(address.id)
    if (target === undefined) {
      target = new RemoteTarget(this.#link, address)
      this.#known.set(address.id, target)
    }
    return target
  }

  known(id: number): RemoteTarget | undefined {
    return this.#known.get(id)
  }

  all(): Iterable<RemoteTarget> {
    return this.#known.values()
  }

  /** Also one of a past incarnation: news for it will come by its number. */
  keep(target: RemoteTarget): void {
    const { id } = target.address
    if (!this.#known.has(id)) this.#known.set(id, target)
  }

  /** The incarnation that they are of has ended; `expire` when no more outcomes come. */
  outdate(): void {
    this.#expiring = true
  }

  /** The ids of a past incarnation will not be used again; the refs keep the targets themselves. */
  expire(): void {
    if (!this.#expiring) return
    this.#expiring = false
    for (const [id, target] of this.#known) {
      // One that is watched since then may be of the next incarnation.
      if (id === firstActorId || target.awaited) continue
      this.#known.delete(id)
      this.#past.set(id, target)
    }
  }
}
