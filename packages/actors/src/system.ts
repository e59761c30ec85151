import { KaitianError } from '@kaitian/errors'
import type { EventEmitter } from 'eventemitter3'
import type { Clock } from './clock.js'
import type { Spawner } from './context.js'
import type { Accounts, SystemEvents } from './events.js'
import type { Random } from './random.js'

export interface SystemOptions {
  /** First part of every path; `system` unless told. */
  name?: string
  /** For inline actors; an actor on a thread of its own always has the system's clock. */
  clock?: Clock
  random?: Random
}

/** The root of all actors. `await using system = createSystem()`. */
export interface System extends Spawner, AsyncDisposable {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly events: EventEmitter<SystemEvents>
  accounts(): Promise<Accounts>
  /** Stops every actor, in reverse start order; no handle, timer or thread remains (A7). */
  dispose(): Promise<void>
}

export function createSystem(options: SystemOptions = {}): System {
  throw new KaitianError('INTERNAL', `createSystem is not built yet: ${options.name}`)
}
