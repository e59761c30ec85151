import type { KaitianError } from '@kaitian/errors'
import type { Placement } from '../api/context.js'
import type { ActorClass, Protocol } from '../api/protocol.js'
import type { ActorSnapshot } from '../api/snapshot.js'
import { deferred } from '../deferred.js'
import type { SiteData, TreeFrame } from '../site/wire.js'
import { endFromRecord, errorFromRecord, exited, type End } from '../supervision/failure.js'
import type { Port } from '../transport/port.js'

/** A thread or process of one actor, from its start to its exit, seen from who started it. */
export abstract class Vessel {
  abstract readonly placement: ActorSnapshot['placement']
  abstract readonly port: Port
  readonly #kind: 'thread' | 'process'
  readonly #path: string
  readonly #started = deferred<void>()
  readonly #ending = deferred<End>()
  readonly #exited = deferred<void>()
  /** What brought it down, as far as known. */
  protected cause: unknown

  constructor(kind: 'thread' | 'process', path: string) {
    this.#kind = kind
    this.#path = path
    // A failed start is also seen by who awaits `started`.
    this.#started.promise.catch(() => undefined)
  }

  /** Then it can be terminated whatever it does. */
  get isProcess(): boolean {
    return this.#kind === 'process'
  }

  /** Sets the abort word; false when it has none, or it was set before. */
  abstract abort(): boolean
  /** Does not wait for the exit, which native code may hold up. */
  abstract terminate(): void
  /** It does not end: it shall not keep the process alive, if that can be helped. */
  abstract abandon(): void

  /** The actor has started. Rejects with what its module, constructor or `start` threw. */
  get started(): Promise<void> {
    return this.#started.promise
  }

  /** How the actor ended; known when it says so, at the latest when the vessel has exited. */
  get ending(): Promise<End> {
    return this.#ending.promise
  }

  /** Nothing of it runs any more, and all that it had posted has been received. */
  get exited(): Promise<void> {
    return this.#exited.promise
  }

  receive(frame: TreeFrame & { t: 'started' | 'ended' }): void {
    if (frame.t === 'ended') return this.#end(endFromRecord(frame.end))
    if (frame.error === undefined) this.#started.resolve()
    else this.#started.reject(errorFromRecord(frame.error))
  }

  /** It cannot start; its exit is still to come. */
  protected refuse(error: unknown): void {
    this.cause = error
    this.#started.reject(error)
  }

  /** All that it had posted has been received. */
  protected exit(code: number | string): void {
    this.#end({ reason: 'exited', error: exited(this.#kind, this.#path, code, this.cause) })
    this.#exited.resolve()
  }

  #end(end: End): void {
    const error: KaitianError = end.error ?? exited(this.#kind, this.#path, 0)
    this.#started.reject(error)
    this.#ending.resolve(end)
  }
}

export type Remote = Exclude<Placement, 'inline'>

/** @throws when the arguments cannot cross */
export type Launch = (on: Remote, data: SiteData, actor: ActorClass<Protocol, unknown>) => Vessel
