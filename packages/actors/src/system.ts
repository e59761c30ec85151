import { KaitianError } from '@kaitian/errors'
import type { EventEmitter } from 'eventemitter3'
import type {
  Down,
  Group,
  GroupOptions,
  KillOptions,
  Spawner,
  SpawnOptions,
  StopOptions,
} from './api/context.js'
import type { Accounts, SystemEvents } from './api/events.js'
import type { Actor, Protocol } from './api/protocol.js'
import type { ActorRef, Ref } from './api/ref.js'
import type { ActorSnapshot } from './api/snapshot.js'
import { callback, checkArgument, checkOptions, limitMs, withMethods, shapeOf } from './checks.js'
import { systemClock, type Clock } from './clock.js'
import { eventsOf } from './events.js'
import { realWorld } from './host/world.js'
import { seededRandom, type Random } from './random.js'
import { resolveAsks } from './site/sighting.js'
import { Site, type SiteWorld } from './site/site.js'
import { firstActorId, rootSite, type EventRecord, type SiteId } from './site/wire.js'
import { faultOf } from './supervision/failure.js'
import { Family } from './supervision/family.js'
import { word } from './supervision/options.js'
import { makeGroup } from './supervision/group.js'
import { Hall } from './transport/hall.js'

export interface SystemOptions {
  /** First part of every path; `system` unless told. */
  name?: string
  /** For inline actors; an actor on a thread or in a process always has the system's clock. */
  clock?: Clock
  /** Unless told always the same stream, so that a run can be repeated. */
  random?: Random
}

/** The root of all actors. `await using system = createSystem()`. */
export interface System extends Spawner, AsyncDisposable {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  /**
   * A listener that throws harms nobody: what it throws is an uncaught error of the program, as with
   * an EventTarget.
   */
  readonly events: EventEmitter<SystemEvents>
  /** All threads' books together; see {@link Accounts}. */
  accounts(): Promise<Accounts>
  /** What each actor is doing, or waits for. A thread that does not answer in time says so. */
  snapshot(): Promise<ActorSnapshot>
  /**
   * Stops every actor, in reverse start order; no handle, timer or thread remains (A7). After
   * `timeoutMs` those that are left are killed. Rejects with `ACTOR_QUARANTINED` when a thread
   * does not end.
   */
  dispose(options?: { timeoutMs?: number }): Promise<void>
}

const systemShape = shapeOf<SystemOptions>({
  name: word,
  clock: withMethods('a Clock', 'now', 'sleep', 'after'),
  random: withMethods('a Random', 'next', 'integer', 'fork'),
})
const disposeShape = shapeOf({ timeoutMs: limitMs })

export function createSystem(options: SystemOptions = {}): System {
  checkOptions('createSystem()', options, systemShape)
  const { name = 'system', clock = systemClock, random = seededRandom(name) } = options
  return new ActorSystem(name, realWorld(rootSite, new Hall(), clock, random))
}

export class ActorSystem implements System {
  readonly name: string
  readonly events = eventsOf<SystemEvents>()
  readonly site: Site
  readonly #family: Family
  #quarantined: { path: string; thread: SiteId }[] = []
  #disposing: Promise<void> | undefined

  constructor(name: string, world: SiteWorld) {
    this.name = name
    this.site = new Site({
      id: rootSite,
      world,
      firstChildId: firstActorId + 1,
      onEvent: (event, data, error) => this.#emit(event, data, error),
      onEnd: (site) => this.#ended(site),
    })
    this.#family = new Family(this.site, this.name)
  }

  get clock(): Clock {
    return this.site.clock
  }

  get random(): Random {
    return this.site.random
  }

  async spawn<P extends Protocol>(
    actor: Actor<P, never>,
    args?: unknown,
    options: SpawnOptions = {},
  ): Promise<Ref<P>> {
    this.#checkOpen()
    return this.site.spawn(this.#family, actor, args, options)
  }

  supervise(options: GroupOptions): Group {
    this.#checkOpen()
    return this.#family.supervise(options, makeGroup, () => undefined)
  }

  watch(ref: ActorRef, onDown: (down: Down) => void): () => void {
    checkArgument('watch()', 'the callback', onDown, callback)
    return this.site.watch(ref, (down) => {
      try {
        onDown(down)
      } catch (error) {
        // Thrown on, it would hit the innocent: whatever ended the actor that is watched.
        const fault = faultOf(this.name, 'a watch callback', error)
        this.site.emit('failed', { path: this.name }, fault)
      }
    })
  }

  stop(ref: ActorRef, options: StopOptions = {}): Promise<void> {
    return this.site.stop(ref, options)
  }

  kill(ref: ActorRef, options: KillOptions = {}): Promise<void> {
    return this.site.kill(ref, options)
  }

  accounts(): Promise<Accounts> {
    return this.site.tree.count()
  }

  async snapshot(): Promise<ActorSnapshot> {
    return resolveAsks({
      path: this.name,
      placement: 'group',
      state: this.#disposing === undefined ? 'idle' : 'stopping',
      incarnation: 0,
      restarts: 0,
      children: await this.#family.snapshot(),
      asksElsewhere: this.site.asksElsewhere(),
    })
  }

  async dispose(options: { timeoutMs?: number } = {}): Promise<void> {
    checkOptions(`dispose() of ${this.name}`, options, disposeShape)
    this.#disposing ??= this.#dispose(options.timeoutMs)
    return this.#disposing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  async #dispose(timeoutMs: number | undefined): Promise<void> {
    const { wheel } = this.site
    const limit =
      timeoutMs === undefined ? undefined : wheel.after(timeoutMs, () => void this.#family.kill())
    try {
      await this.#family.stop()
    } finally {
      limit?.cancel()
      this.site.close()
    }
    if (this.#quarantined.length === 0) return
    const paths = this.#quarantined.map(({ path }) => path)
    throw new KaitianError(
      'ACTOR_QUARANTINED',
      `${this.name} is disposed, but the threads of ${paths.join(', ')} still run: native code in them does not return. Place such code in a child process`,
      { fields: { paths } },
    )
  }

  /** A process that was killed has taken its threads along. */
  #ended(site: SiteId): void {
    this.#quarantined = this.#quarantined.filter(
      ({ thread }) => thread !== site && !thread.startsWith(`${site}.`),
    )
  }

  #checkOpen(): void {
    if (this.#disposing === undefined) return
    throw new KaitianError('SYSTEM_STOPPED', `${this.name} is disposed; create another system`)
  }

  #emit(name: EventRecord['name'], data: Record<string, unknown>, error?: Error): void {
    if (name === 'quarantined') {
      this.#quarantined.push({ path: data.path as string, thread: data.thread as SiteId })
    }
    const event = error === undefined ? data : { ...data, error }
    // The names and shapes were checked where the event was made.
    ;(this.events as unknown as EventEmitter).emit(name, event)
  }
}
