import { KaitianError } from '@kaitian/errors'
import type { EventEmitter } from 'eventemitter3'

/** Event names and their payloads. */
export type FacadeEvents = Record<string, unknown>

/** A function of the runtime thread, seen from the user's thread: the same, but a promise. */
type RemoteMethods<Api> = {
  readonly [
    Name in keyof Api as Api[Name] extends (...args: never[]) => unknown ? Name : never
  ]: Api[Name] extends (...args: infer Args) => infer Reply
    ? (...args: Args) => Promise<Awaited<Reply>>
    : never
}

/** The user's thread's handle of an object that lives in a thread of its own. */
export interface Facade<Api, Events extends object = FacadeEvents> extends AsyncDisposable {
  /** Every call settles: it rejects with `THREAD_EXITED` when the thread dies. */
  readonly api: RemoteMethods<Api>
  readonly events: EventEmitter<{ [Name in keyof Events]: (payload: Events[Name]) => void }>
  /** Aborts with the reason when the thread dies or the facade is disposed. */
  readonly signal: AbortSignal
  dispose(): Promise<void>
}

export interface FacadeOptions {
  /** Handed to the factory; one structured-cloneable value. */
  data?: unknown
}

export function openFacade<Api, Events extends object = FacadeEvents>(
  module: URL,
  options: FacadeOptions = {},
): Promise<Facade<Api, Events>> {
  throw new KaitianError('INTERNAL', `openFacade is not built yet: ${module.href}`, {
    fields: { ...options },
  })
}

export type Emit = (event: string, payload: unknown) => void

/** Called once by the thread's module. */
export function serveFacade<Data, Api extends object>(
  factory: (data: Data, emit: Emit) => Api | Promise<Api>,
): void {
  throw new KaitianError('INTERNAL', `serveFacade is not built yet: ${factory.name}`)
}
