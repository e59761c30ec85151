import { isMainThread, workerData, type MessagePort } from 'node:worker_threads'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import { expose } from 'comlink'
import type { Disposable } from '../api/context.js'
import { portEndpoint } from './endpoint.js'
import type { FacadeData, FacadeFrame, Outcome } from './facade-wire.js'
import { disposeOf } from '../actor/owned.js'

/** Sends an event to the facade's `events`. Throws `MESSAGE_NOT_CLONEABLE`. */
export interface Emit {
  (event: string, payload: unknown): void
  /**
   * Events that the other thread has not read yet, or has read a moment ago. They wait in memory
   * while its event loop is blocked, so who emits without end looks at this and leaves some out.
   */
  unread(): number
}

type Method = (...args: unknown[]) => unknown

/**
 * Called once by the module that `openFacade` names: the factory's object answers the facade's
 * calls. Its `dispose` (or `[Symbol.asyncDispose]`) runs when the facade is disposed.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- inferred from the factory
export function serveFacade<Data, Api extends object>(
  factory: (data: Data, emit: Emit) => Api | Promise<Api>,
): void {
  const { port, data } = facadeData()
  process.on('uncaughtException', (error) => {
    post(port, { t: 'crashed', error: record(error) })
    process.exit(1)
  })
  const events = { sent: 0, read: 0 }
  const send = (name: string, payload: unknown): void => {
    try {
      post(port, { t: 'event', name, payload })
      events.sent++
    } catch (cause) {
      throw new KaitianError(
        'MESSAGE_NOT_CLONEABLE',
        `The event "${name}" cannot cross threads; emit plain data`,
        { cause, fields: { event: name } },
      )
    }
  }
  const emit: Emit = Object.assign(send, { unread: () => events.sent - events.read })
  const onRead = (count: number): void => void (events.read = count)
  void serve(port, () => factory(data as Data, emit), onRead)
}

async function serve(
  port: MessagePort,
  make: () => object | Promise<object>,
  onRead: (count: number) => void,
): Promise<void> {
  let api: object
  try {
    api = await make()
  } catch (error) {
    post(port, { t: 'failed', error: record(error) })
    process.exit(0)
  }
  const methods = methodsOf(api)
  const onFrame = (frame: FacadeFrame): void => {
    if (frame.t === 'close') void close(port, api)
    if (frame.t === 'ping') post(port, { t: 'pong', id: frame.id })
    if (frame.t === 'read') onRead(frame.events)
  }
  expose(
    Object.fromEntries([...methods].map(([name, method]) => [name, answering(api, method)])),
    portEndpoint(port, onFrame, [...methods.keys()]),
  )
  post(port, { t: 'ready', methods: [...methods.keys()] })
}

async function close(port: MessagePort, api: object): Promise<void> {
  try {
    if (isDisposable(api)) await disposeOf(api)
  } catch (error) {
    post(port, { t: 'crashed', error: record(error) })
  }
  process.exit(0)
}

function facadeData(): FacadeData['kaitianFacade'] {
  const data = (workerData as Partial<FacadeData> | null)?.kaitianFacade
  if (!isMainThread && data !== undefined) return data
  throw new KaitianError(
    'BAD_ARGUMENT',
    'serveFacade is called in the module of a thread that openFacade started',
  )
}

/** All functions, inherited ones too, but none of Object's. */
function methodsOf(api: object): Map<string, Method> {
  const methods = new Map<string, Method>()
  for (
    let level = api;
    level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object
  ) {
    if (level === null) break
    for (const name of Object.getOwnPropertyNames(level)) {
      if (['constructor', '__proto__', 'prototype', 'then'].includes(name)) continue
      const { value } = Object.getOwnPropertyDescriptor(level, name) as PropertyDescriptor
      if (typeof value === 'function' && !methods.has(name)) methods.set(name, value as Method)
    }
  }
  return methods
}

function answering(api: object, method: Method): (...args: unknown[]) => Promise<Outcome> {
  return async (...args) => {
    try {
      return { value: await method.apply(api, args) }
    } catch (error) {
      return { error: record(error) }
    }
  }
}

function record(error: unknown) {
  return toKaitianError(error, 'INTERNAL', 'The thread behind a facade failed').toRecord()
}

function post(port: MessagePort, frame: FacadeFrame): void {
  port.postMessage(frame)
}

function isDisposable(api: object): api is Disposable {
  return Symbol.asyncDispose in api || Symbol.dispose in api || 'dispose' in api
}
