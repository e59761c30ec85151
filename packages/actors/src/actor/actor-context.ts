import type { Cell } from './cell.js'
import type { Clock } from '../clock.js'
import type {
  Context,
  Disposable,
  Down,
  KillOptions,
  SpawnOptions,
  StopOptions,
} from '../api/context.js'
import { asRef } from './handle.js'
import type { Incarnation } from './incarnation.js'
import type { ActorClass, Protocol } from '../api/protocol.js'
import type { Random } from '../random.js'
import type { ActorRef, Ref } from '../api/ref.js'
import type { Site } from '../site/site.js'

/** What an actor's methods are handed. Outlives its incarnation only to refuse. */
export class ActorContext implements Context {
  readonly self: Ref<Protocol>
  readonly random: Random
  readonly #site: Site
  readonly #cell: Cell
  readonly #life: Incarnation

  constructor(site: Site, cell: Cell, life: Incarnation, incarnation: number) {
    this.#site = site
    this.#cell = cell
    this.#life = life
    this.self = asRef(site.handle(cell))
    this.random = site.random.fork(cell.address.path).fork(incarnation)
  }

  get clock(): Clock {
    return this.#site.clock
  }

  get signal(): AbortSignal {
    return this.#life.signal
  }

  async spawn<P extends Protocol, Args>(
    actor: ActorClass<P, Args>,
    args: NoInfer<Args>,
    options: SpawnOptions = {},
  ): Promise<Ref<P>> {
    return this.#site.spawn(this.#life.family, actor, args, options)
  }

  watch(ref: ActorRef, callback: (down: Down) => void): () => void {
    const unwatch = this.#site.watch(ref, (down) => {
      this.#cell.notify(this.#life, () => callback(down))
    })
    return this.#life.keepWatch(unwatch)
  }

  stop(ref: ActorRef, options: StopOptions = {}): Promise<void> {
    return this.#site.stop(ref, options)
  }

  kill(ref: ActorRef, options: KillOptions = {}): Promise<void> {
    return this.#site.kill(ref, options)
  }

  own<T extends Disposable>(resource: T): T {
    this.#life.own(resource)
    return resource
  }
}
