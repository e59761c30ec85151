import { KaitianError } from '@kaitian/errors'
import { EventEmitter } from 'eventemitter3'
import { systemClock, type Clock } from './clock.js'
import type { Down, KillOptions, Spawner, SpawnOptions, StopOptions } from './api/context.js'
import type { Accounts, SystemEvents } from './api/events.js'
import { Family } from './supervision/family.js'
import { faultOf } from './supervision/failure.js'
import type { ActorClass, Protocol } from './api/protocol.js'
import { seededRandom, type Random } from './random.js'
import type { ActorRef, Ref } from './api/ref.js'
import { Site } from './site/site.js'
import { firstActorId, rootSite } from './site/wire.js'

export interface SystemOptions {
  /** First part of every path; `system` unless told. */
  name?: string
  /** For inline actors; an actor on a thread of its own always has the system's clock. */
  clock?: Clock
  /** Unless told always the same stream, so that a run can be repeated. */
  random?: Random
}

/** The root of all actors. `await using system = createSystem()`. */
export interface System extends Spawner, AsyncDisposable {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly events: EventEmitter<SystemEvents>
  /** All threads' books together; see {@link Accounts}. */
  accounts(): Promise<Accounts>
  /**
   * Stops every actor, in reverse start order; no handle, timer or thread remains (A7). After
   * `timeoutMs` those that are left are killed; without it a handler that hangs is waited for.
   */
  dispose(options?: StopOptions): Promise<void>
}

export function createSystem(options: SystemOptions = {}): System {
  return new ActorSystem(options)
}

class ActorSystem implements System {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly events = new EventEmitter<SystemEvents>()
  readonly #site: Site
  readonly #family: Family
  #disposing: Promise<void> | undefined

  constructor(options: SystemOptions) {
    this.name = options.name ?? 'system'
    this.clock = options.clock ?? systemClock
    this.random = options.random ?? seededRandom(this.name)
    this.#site = new Site({
      id: rootSite,
      clock: this.clock,
      random: this.random,
      firstChildId: firstActorId + 1,
      onEvent: (name, data, error) => {
        const event = error === undefined ? data : { ...data, error }
        // The names and shapes were checked where the event was made.
        ;(this.events as unknown as EventEmitter).emit(name, event)
      },
    })
    this.#family = new Family(this.#site, this.name)
  }

  async spawn<P extends Protocol, Args>(
    actor: ActorClass<P, Args>,
    args: NoInfer<Args>,
    options: SpawnOptions = {},
  ): Promise<Ref<P>> {
    if (this.#disposing !== undefined) {
      throw new KaitianError('SYSTEM_STOPPED', `${this.name} is disposed; create another system`)
    }
    return this.#site.spawn(this.#family, actor, args, options)
  }

  watch(ref: ActorRef, callback: (down: Down) => void): () => void {
    return this.#site.watch(ref, (down) => {
      try {
        callback(down)
      } catch (error) {
        // Thrown on, it would hit the innocent: whatever ended the actor that is watched.
        this.#site.emit(
          'failed',
          { path: this.name },
          faultOf(this.name, 'a watch callback', error),
        )
      }
    })
  }

  stop(ref: ActorRef, options: StopOptions = {}): Promise<void> {
    return this.#site.stop(ref, options)
  }

  kill(ref: ActorRef, options: KillOptions = {}): Promise<void> {
    return this.#site.kill(ref, options)
  }

  accounts(): Promise<Accounts> {
    return this.#site.tree.count()
  }

  dispose(options: StopOptions = {}): Promise<void> {
    this.#disposing ??= this.#dispose(options)
    return this.#disposing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  async #dispose({ timeoutMs }: StopOptions): Promise<void> {
    const cancel =
      timeoutMs === undefined
        ? undefined
        : this.clock.after(timeoutMs, () => void this.#family.kill())
    try {
      await this.#family.stop()
    } finally {
      cancel?.()
      this.#site.close()
    }
  }
}
