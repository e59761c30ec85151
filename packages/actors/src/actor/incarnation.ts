import { toKaitianError } from '@kaitian/errors'
import type { Report } from '../supervision/body.js'
import type { Context, Disposable } from '../api/context.js'
import { unavailable } from '../supervision/failure.js'
import type { Family } from '../supervision/family.js'
import { disposeOf, Owned } from './owned.js'
import type { ActorClass, Handlers, Protocol } from '../api/protocol.js'

type Handler = (payload: unknown) => unknown
type Method = (payload: unknown, ctx: Context) => unknown

/** What an actor is made of, whatever its protocol. */
export interface Blueprint {
  actor: ActorClass<Protocol, unknown>
  args: unknown
}

/**
 * One life of an actor: the instance, its children, what it owns and what it watches. Ends by
 * `close` (in order) or `drop` (killed), and then holds nothing any more.
 */
export class Incarnation {
  readonly family: Family
  readonly #path: string
  readonly #blueprint: Blueprint
  readonly #report: Report
  readonly #abort = new AbortController()
  readonly #owned = new Owned()
  readonly #watches = new Set<() => void>()
  readonly #handlers = new Map<string, { kind: 'ask' | 'tell'; handler: Handler }>()
  #instance: Handlers<Protocol> | undefined
  #context!: Context

  constructor(path: string, blueprint: Blueprint, family: Family, report: Report) {
    this.#path = path
    this.#blueprint = blueprint
    this.family = family
    this.#report = report
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The context needs the incarnation and the other way round; this closes the circle. */
  equip(context: Context): this {
    this.#context = context
    return this
  }

  /** Constructs the actor and runs its `start`. */
  async start(): Promise<void> {
    const { actor: Actor, args } = this.#blueprint
    const instance = new Actor(args)
    this.#instance = instance
    const methods = instance as unknown as Record<string, Method>
    for (const [message, { kind }] of Object.entries(Actor.protocol)) {
      if (typeof methods[message] !== 'function') continue
      const handler: Handler = (payload) => methods[message](payload, this.#context)
      this.#handlers.set(message, { kind, handler })
    }
    await this.#instance.start?.(this.#context)
  }

  /** Undefined when the protocol has no such message of that kind. */
  handler(kind: 'ask' | 'tell', message: string): Handler | undefined {
    const known = this.#handlers.get(message)
    return known?.kind === kind ? known.handler : undefined
  }

  own(resource: Disposable): void {
    if (this.#owned.add(resource)) return
    // Acquired too late, by code that outlived its incarnation.
    void disposeOf(resource).catch((error: unknown) => this.#complain(error))
    throw unavailable(this.#path, 'stopped')
  }

  /** Unwatches with the end of this life. Returns what unwatches earlier. */
  keepWatch(unwatch: () => void): () => void {
    this.#watches.add(unwatch)
    return () => {
      this.#watches.delete(unwatch)
      unwatch()
    }
  }

  abort(reason: unknown): void {
    this.#abort.abort(reason)
  }

  /** Children in reverse start order, then `stop` (when graceful), then what it owns. */
  async close(options: { graceful: boolean }): Promise<void> {
    this.#unwatchAll()
    await this.family.stop()
    if (options.graceful) {
      try {
        await this.#instance?.stop?.(this.#context)
      } catch (error) {
        this.#complain(error)
      }
    }
    await this.#disposeOwned()
  }

  /** At once, without `stop`; what it owns is still disposed, or it would leak. */
  async drop(reason: unknown): Promise<void> {
    this.abort(reason)
    this.#unwatchAll()
    await this.family.kill()
    await this.#disposeOwned()
  }

  async #disposeOwned(): Promise<void> {
    for (const error of await this.#owned.dispose()) this.#complain(error)
  }

  #unwatchAll(): void {
    for (const unwatch of this.#watches) unwatch()
    this.#watches.clear()
  }

  #complain(error: unknown): void {
    this.#report(toKaitianError(error, 'ACTOR_FAILED', `${this.#path} failed while it ended`))
  }
}
