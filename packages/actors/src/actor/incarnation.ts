import { setMaxListeners } from 'node:events'
import { toKaitianError, type KaitianError } from '@kaitian/errors'
import type { Context, Disposable } from '../api/context.js'
import type { DeadLetterReason } from '../api/events.js'
import type { ActorClass, Handlers, Protocol } from '../api/protocol.js'
import { unavailable } from '../supervision/failure.js'
import { Family } from '../supervision/family.js'
import type { Sighting } from '../site/sighting.js'
import type { Cell } from './cell.js'
import { disposeOf, Owned } from './owned.js'

export type Method = (payload: unknown, ctx: Context) => unknown

/** What an actor is made of, whatever its protocol. */
export interface Blueprint {
  actor: ActorClass<Protocol, unknown>
  args: unknown
}

/**
 * One life of an actor: the instance, its children, what it owns, and what ends with it. Ends by
 * `close` (in order) or `drop` (killed), and then holds nothing any more. Most actors have no
 * child, own nothing and ask for no signal: each is made when it is first wanted.
 */
export class Incarnation {
  readonly number: number
  readonly #cell: Cell
  #instance: Handlers<Protocol> | undefined
  #context: Context | undefined
  #family: Family | undefined
  #owned: Owned | undefined
  #abort: AbortController | undefined
  #dropped = false
  #ended: DeadLetterReason | undefined
  #error: KaitianError | undefined
  /** Watches, timers and flows: called when this life ends. */
  #endings: Set<() => void> | undefined

  constructor(cell: Cell, number: number) {
    this.#cell = cell
    this.number = number
  }

  /** Of children; refuses them once this life has ended. */
  get family(): Family {
    this.#family ??= new Family(this.#cell.site, this.#cell.path)
    if (this.#ended !== undefined) this.#family.close()
    return this.#family
  }

  get signal(): AbortSignal {
    this.#abort ??= quietController()
    if (this.#ended !== undefined) this.#abort.abort(this.endedBecause)
    return this.#abort.signal
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Made when it is first wanted: an error costs microseconds, and few ask. */
  get endedBecause(): KaitianError {
    this.#error ??= unavailable(this.#cell.path, this.#ended ?? 'stopped')
    return this.#error
  }

  /** Constructs the actor and runs its `start`. */
  start({ actor: Actor, args }: Blueprint, context: Context): void | Promise<void> {
    const instance = new Actor(args)
    this.#instance = instance
    this.#context = context
    return instance.start?.(context)
  }

  /** The method that handles `message`, if the class has it. */
  handler(message: string): unknown {
    return (this.#instance as unknown as Record<string, unknown>)[message]
  }

  call(method: Method, payload: unknown): unknown {
    return method.call(this.#instance, payload, this.#context as Context)
  }

  own(resource: Disposable): void {
    this.#owned ??= new Owned()
    if (this.#owned.add(resource)) return
    // Acquired too late, by code that outlived its incarnation.
    void disposeOf(resource).catch((error: unknown) => this.#complain(error))
    throw unavailable(this.#cell.path, 'stopped')
  }

  /** Calls `ending` when this life ends. Returns what takes it back. */
  atEnd(ending: () => void): () => void {
    if (this.#ended !== undefined) {
      ending()
      return () => undefined
    }
    this.#endings ??= new Set()
    this.#endings.add(ending)
    return () => void this.#endings?.delete(ending)
  }

  abort(reason: DeadLetterReason, error?: KaitianError): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    this.#error = error
    this.#abort?.abort(this.endedBecause)
  }

  /** What `close` does, when there is nothing to wait for; false when there is. */
  closeAtOnce(reason: DeadLetterReason): boolean {
    const isPlain = this.#family === undefined && this.#owned === undefined
    if (!isPlain || this.#hasStop) return false
    this.abort(reason)
    this.#runEndings()
    this.#owned = Owned.disposed
    return true
  }

  snapshot(): Promise<Sighting[]> | undefined {
    return this.#family?.snapshot()
  }

  /** Children in reverse start order, then `stop` (when graceful), then what it owns. */
  async close(options: { graceful: boolean; reason: DeadLetterReason }): Promise<void> {
    this.abort(options.reason)
    this.#runEndings()
    await this.#family?.stop()
    if (options.graceful && !this.#dropped && this.#hasStop) {
      try {
        await this.#cell.act(() => this.#instance?.stop?.(this.#context as Context))
      } catch (error) {
        this.#complain(error)
      }
    }
    await this.disposeOwned()
  }

  /** Ends it without `stop`: kills the children. What it owns has yet to be disposed, or it would leak. */
  async drop(reason: DeadLetterReason): Promise<void> {
    this.#dropped = true
    this.abort(reason)
    this.#runEndings()
    await this.#family?.kill()
  }

  async disposeOwned(): Promise<void> {
    // Also when there is nothing yet: what is acquired from now on is disposed at once.
    this.#owned ??= new Owned()
    const errors = await this.#owned.dispose((disposal) => this.#cell.act(disposal))
    for (const error of errors) this.#complain(error)
  }

  /** Without reading it, which may be a getter of the user's. */
  get #hasStop(): boolean {
    return this.#instance !== undefined && 'stop' in this.#instance
  }

  #runEndings(): void {
    const endings = this.#endings
    this.#endings = undefined
    if (endings !== undefined) for (const ending of endings) ending()
  }

  #complain(error: unknown): void {
    const { path, site } = this.#cell
    const report = toKaitianError(error, 'ACTOR_FAILED', `${path} failed while it ended`)
    site.announce('failed', { path }, report)
  }
}

/** Whatever an actor does may listen to its signal: many listeners are no leak, and no warning is due. */
export function quietController(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
