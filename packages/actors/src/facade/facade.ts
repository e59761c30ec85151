import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { isKaitianError, KaitianError, messageOf } from '@kaitian/errors'
import { wrap } from 'comlink'
import type { EventEmitter } from 'eventemitter3'
import {
  abortSignal,
  anything,
  callback,
  checkArgument,
  checkOptions,
  limitMs,
  url,
  withMethods,
  shapeOf,
} from '../checks.js'
import { systemClock, type Clock } from '../clock.js'
import { deferred } from '../deferred.js'
import { eventsOf } from '../events.js'
import { stopLimit } from '../supervision/options.js'
import { portEndpoint } from './endpoint.js'
import { EVENTS_PER_WORD, type FacadeData, type FacadeFrame, type Outcome } from './facade-wire.js'

/** Event names and their payloads. */
export type FacadeEvents = Record<string, unknown>

/** The methods of the object in the other thread: the same, but each returns a promise. */
export type RemoteMethods<Api> = {
  readonly [
    Name in keyof Api as Api[Name] extends (...args: never[]) => unknown ? Name : never
  ]: Api[Name] extends (...args: infer Args) => infer Reply
    ? (...args: Args) => Promise<Awaited<Reply>>
    : never
}

/** The user's thread's handle of an object that lives in a thread of its own. */
export interface Facade<Api, Events extends object = FacadeEvents> extends AsyncDisposable {
  /**
   * Every call settles: with `THREAD_EXITED` when the thread dies, with `SYSTEM_STOPPED` when
   * the facade is disposed. Errors keep code, fields and cause.
   */
  readonly api: RemoteMethods<Api>
  /**
   * An event that was emitted before a call was answered comes before the answer. What a listener
   * throws is an uncaught error of the program, as with an EventTarget.
   */
  readonly events: EventEmitter<{ [Name in keyof Events]: (payload: Events[Name]) => void }>
  /** Aborts, with the reason, when the thread dies or the facade is disposed. */
  readonly signal: AbortSignal
  /**
   * Whether the thread's event loop comes round: resolves with the milliseconds that took, rejects
   * with `ASK_TIMEOUT` after `timeoutMs`. A call can wait for long in good order; this does not.
   */
  ping(timeoutMs: number): Promise<number>
  /**
   * Disposes of the object, ends the thread, closes the port; after `timeoutMs` by force. Rejects
   * with `ACTOR_QUARANTINED` when the thread has not ended `exitMs` after that.
   */
  dispose(options?: { timeoutMs?: number; exitMs?: number }): Promise<void>
}

export interface FacadeOptions {
  /** Handed to the factory; one structured-cloneable value. */
  data?: unknown
  /** A call that is not answered by then rejects with `ASK_TIMEOUT`. Without it calls may take for ever. */
  timeoutMs?: number
  clock?: Clock
  /**
   * Aborting it gives up a thread that is still starting, by force: what its factory has begun is not
   * disposed of. Of no effect once the facade is open.
   */
  signal?: AbortSignal
  /**
   * Gets what the thread prints, and what threads that it starts do. Without it that goes to this
   * thread's own stdout and stderr.
   */
  print?: (chunk: Uint8Array, from: 'stdout' | 'stderr') => void
}

/**
 * Starts a thread with `module`, which calls `serveFacade`. Rejects with `SPAWN_FAILED` when the
 * module or its factory fails; the cause is the error itself. `fields` have an `exitCode` where the
 * thread has died of it, instead of refusing.
 */
export async function openFacade<Api, Events extends object = FacadeEvents>(
  module: URL,
  options: FacadeOptions = {},
): Promise<Facade<Api, Events>> {
  checkArgument('openFacade()', 'module', module, url)
  checkOptions('openFacade()', options, openShape)
  options.signal?.throwIfAborted()
  const facade = new ThreadFacade(module, options)
  await openedUnless(options.signal, facade)
  // What `Api` and `Events` promise is what the module's factory was checked against.
  return facade as unknown as Facade<Api, Events>
}

/** Rejects with the signal's reason once the thread that it gave up has ended. */
async function openedUnless(signal: AbortSignal | undefined, facade: ThreadFacade): Promise<void> {
  const given = deferred<void>()
  const giveUp = (): void =>
    void facade.dispose({ timeoutMs: 0 }).then(given.resolve, given.resolve)
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    await Promise.race([facade.ready, given.promise])
  } catch (error) {
    if (signal?.aborted !== true) throw error
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
  if (signal?.aborted !== true) return
  await given.promise
  throw signal.reason
}

const openShape = shapeOf<FacadeOptions>({
  data: anything,
  timeoutMs: limitMs,
  clock: withMethods('a Clock', 'now', 'sleep', 'after'),
  signal: abortSignal,
  print: callback,
})
const disposeShape = shapeOf({ timeoutMs: limitMs, exitMs: limitMs })

type RemoteCall = (...args: unknown[]) => Promise<Outcome>

/**
 * comlink carries calls and replies, on one long-lived proxy. What it leaves open is closed
 * here: its calls hang when the thread dies (comlink issue 601), so each is also held in
 * `#calls`; releasing a proxy does not close a Node port; errors lose their fields.
 */
class ThreadFacade {
  readonly api: Record<string, (...args: unknown[]) => Promise<unknown>> = Object.create(null)
  readonly events = eventsOf<Record<string, (payload: unknown) => void>>()
  readonly #module: URL
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #ready = deferred<void>()
  readonly #exited = deferred<void>()
  readonly #calls = new Set<(error: KaitianError) => void>()
  readonly #end = new AbortController()
  readonly #pings = new Map<number, () => void>()
  readonly #clock: Clock
  readonly #timeoutMs: number | undefined
  #lastPing = 0
  /** Read so far. */
  #events = 0
  #crash: unknown

  constructor(module: URL, { data, timeoutMs, clock = systemClock, print }: FacadeOptions) {
    this.#module = module
    this.#timeoutMs = timeoutMs
    this.#clock = clock
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const closed = deferred<void>()
    port1.on('close', () => closed.resolve())
    const workerData: FacadeData = { kaitianFacade: { port: port2, data } }
    try {
      const own = { stdout: print !== undefined, stderr: print !== undefined }
      this.#worker = new Worker(module, { workerData, transferList: [port2], ...own })
    } catch (cause) {
      port1.close()
      throw this.#notOpened(cause)
    }
    if (print !== undefined) {
      this.#worker.stdout.on('data', (chunk: Uint8Array) => print(chunk, 'stdout'))
      this.#worker.stderr.on('data', (chunk: Uint8Array) => print(chunk, 'stderr'))
    }
    const remote = wrap<Record<string, RemoteCall>>(
      portEndpoint(port1, (frame) => this.#receive(frame, remote)),
    ) as unknown as Record<string, RemoteCall>
    // Without a listener an uncaught error in the thread would end the process.
    this.#worker.on('error', (error) => (this.#crash ??= error))
    this.#worker.on('exit', (code) => void this.#onExit(code, closed.promise))
  }

  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get signal(): AbortSignal {
    return this.#end.signal
  }

  async dispose(options: { timeoutMs?: number; exitMs?: number } = {}): Promise<void> {
    checkOptions('dispose() of a facade', options, disposeShape)
    const timeoutMs = stopLimit(options, 'timeoutMs')
    const exitMs = stopLimit(options, 'exitMs')
    this.#finish(
      new KaitianError('SYSTEM_STOPPED', 'The facade was disposed; open another one', {
        fields: { module: this.#module.href },
      }),
    )
    const goodbye: FacadeFrame = { t: 'close' }
    this.#port.postMessage(goodbye, [])
    if (await this.#exitsWithin(timeoutMs)) return
    void this.#worker.terminate()
    if (await this.#exitsWithin(exitMs)) return
    // It runs on; it shall not keep the process, if that can be helped.
    this.#worker.unref()
    this.#port.close()
    throw this.#stuck()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  #receive(frame: FacadeFrame, remote: Record<string, RemoteCall>): void {
    switch (frame.t) {
      case 'ready':
        for (const name of frame.methods) {
          this.api[name] = (...args) => this.#answered(name, () => remote[name](...args))
        }
        return this.#ready.resolve()
      case 'failed':
        return this.#ready.reject(this.#notOpened(KaitianError.fromRecord(frame.error)))
      case 'crashed':
        this.#crash = KaitianError.fromRecord(frame.error)
        return
      case 'event':
        this.events.emit(frame.name, frame.payload)
        if (++this.#events % EVENTS_PER_WORD === 0) {
          this.#port.postMessage({ t: 'read', events: this.#events } satisfies FacadeFrame, [])
        }
        return
      case 'pong':
        return this.#pings.get(frame.id)?.()
      case 'ping':
      case 'read':
      case 'close':
    }
  }

  async ping(timeoutMs: number): Promise<number> {
    checkArgument('ping() of a facade', 'timeoutMs', timeoutMs, limitMs)
    const id = ++this.#lastPing
    const sentAt = this.#clock.now()
    const pong = deferred<void>()
    this.#pings.set(id, pong.resolve)
    const ping: FacadeFrame = { t: 'ping', id }
    this.#port.postMessage(ping, [])
    try {
      await this.#within(timeoutMs, 'ping', pong.promise)
      return this.#clock.now() - sentAt
    } finally {
      this.#pings.delete(id)
    }
  }

  async #answered(name: string, send: () => Promise<Outcome>): Promise<unknown> {
    if (this.signal.aborted) throw this.signal.reason
    let outcome: Outcome
    try {
      outcome = await this.#within(this.#timeoutMs, name, send())
    } catch (error) {
      if (isKaitianError(error)) throw error
      throw new KaitianError(
        'MESSAGE_NOT_CLONEABLE',
        'The arguments or the reply of a call cannot cross threads; use plain data',
        { cause: error },
      )
    }
    if ('value' in outcome) return outcome.value
    throw KaitianError.fromRecord(outcome.error)
  }

  /** Rejects when the time is over, and when the thread or the facade is gone. */
  async #within<T>(timeoutMs: number | undefined, name: string, answer: Promise<T>): Promise<T> {
    const lost = deferred<never>()
    this.#calls.add(lost.reject)
    const cancel =
      timeoutMs === undefined
        ? undefined
        : this.#clock.after(timeoutMs, () => lost.reject(this.#late(name, timeoutMs)))
    if (this.signal.aborted) lost.reject(this.signal.reason)
    try {
      return await Promise.race([answer, lost.promise])
    } finally {
      cancel?.()
      this.#calls.delete(lost.reject)
    }
  }

  async #exitsWithin(ms: number): Promise<boolean> {
    const late = deferred<boolean>()
    const cancel = this.#clock.after(ms, () => late.resolve(false))
    const exits = this.#exited.promise.then(() => true)
    const inTime = await Promise.race([exits, late.promise])
    cancel()
    return inTime
  }

  #stuck(): KaitianError {
    const { href } = this.#module
    return new KaitianError(
      'ACTOR_QUARANTINED',
      `The facade is disposed, but the thread of ${href} still runs: native code in it does not return. Place such code in a child process`,
      { fields: { module: href } },
    )
  }

  #late(name: string, timeoutMs: number): KaitianError {
    return new KaitianError(
      'ASK_TIMEOUT',
      `The thread behind the facade did not answer "${name}" within ${timeoutMs} ms; it may be busy, or stuck`,
      { fields: { module: this.#module.href, message: name, timeoutMs } },
    )
  }

  async #onExit(code: number, portClosed: Promise<void>): Promise<void> {
    // Answers that were sent before the end are still on their way until the port has closed.
    await portClosed
    const cause = this.#crash
    const detail = cause === undefined ? `exit code ${code}` : messageOf(cause)
    const fields = { module: this.#module.href, exitCode: code }
    const error = new KaitianError(
      'THREAD_EXITED',
      `The thread behind the facade died: ${detail}; open another one`,
      { cause, fields },
    )
    this.#ready.reject(this.#notOpened(cause ?? error, { exitCode: code }))
    this.#finish(error)
    this.#exited.resolve()
  }

  #finish(reason: KaitianError): void {
    if (this.signal.aborted) return
    this.#end.abort(reason)
    for (const reject of this.#calls) reject(reason)
    this.#calls.clear()
  }

  #notOpened(cause: unknown, died: { exitCode?: number } = {}): KaitianError {
    const detail = messageOf(cause)
    return new KaitianError('SPAWN_FAILED', `${this.#module.href} did not start: ${detail}`, {
      cause,
      fields: { module: this.#module.href, ...died },
    })
  }
}
