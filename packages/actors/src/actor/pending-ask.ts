import { KaitianError } from '@kaitian/errors'
import type { DeadLetterReason } from '../api/events.js'
import type { AskOptions } from '../api/ref.js'
import { unavailable } from '../supervision/failure.js'
import type { Timer, TimerWheel } from '../wheel.js'
import type { Book } from './book.js'
import type { Origin } from './origin.js'

let lastResolve: (value: unknown) => void
let lastReject: (error: unknown) => void
/** One executor for all: a closure for each ask would cost as much as its promise. */
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  lastResolve = resolve
  lastReject = reject
}

/**
 * The asker's side of an ask. The first settlement counts; all later ones are ignored (A3). For a
 * target in the same thread it is the message's origin itself.
 */
export class PendingAsk implements Origin {
  readonly kind = 'ask'
  readonly promise: Promise<unknown>
  settled = false
  /** Called when the asker gives up before an answer. */
  onCancel: (() => void) | undefined = undefined
  /** The actor whose turn it was when it asked. */
  readonly from: string | undefined
  readonly to: string
  readonly message: string
  readonly #book: Book
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  #timer: Timer | undefined = undefined
  #stopListening: (() => void) | undefined = undefined

  constructor(book: Book, to: string, message: string, from: string | undefined) {
    this.#book = book
    this.to = to
    this.message = message
    this.from = from
    this.promise = new Promise(capture)
    this.#resolve = lastResolve
    this.#reject = lastReject
  }

  /** Sets the limits; false when the signal had aborted already, and nothing is to be sent. */
  limit(options: AskOptions, wheel: TimerWheel): boolean {
    const { signal, timeoutMs } = options
    if (signal !== undefined) {
      const onAbort = (): void => this.#giveUp(this.#aborted(signal))
      if (signal.aborted) {
        onAbort()
        return false
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#stopListening = () => signal.removeEventListener('abort', onAbort)
    }
    // After the system's end there is nothing to wait for: it is refused at once.
    if (timeoutMs !== undefined && !wheel.closed) {
      this.#timer = wheel.after(timeoutMs, () => this.#giveUp(this.#timedOut(timeoutMs)))
    }
    return true
  }

  get cancelled(): boolean {
    return this.settled
  }

  /** Its place in the mailbox was free for others when it was taken out. */
  arrived(): void {}

  handled(value: unknown): void {
    this.#book.handled++
    if (this.#close()) this.#resolve(value)
  }

  refused(error: KaitianError): void {
    this.#book.handled++
    if (this.#close()) this.#reject(error)
  }

  dead(reason: DeadLetterReason, _index: number, path: string, cause?: Error): void {
    this.deadWith(reason, unavailable(path, reason, cause))
  }

  deadWith(reason: DeadLetterReason, error: KaitianError): void {
    if (this.#close()) this.#reject(error)
    this.#book.dead(this.to, this.kind, this.message, reason)
  }

  #giveUp(error: KaitianError): void {
    if (!this.#close()) return
    this.#reject(error)
    this.onCancel?.()
  }

  /** False when it was settled before. */
  #close(): boolean {
    if (this.settled) return false
    this.settled = true
    this.#timer?.cancel()
    this.#stopListening?.()
    return true
  }

  #timedOut(timeoutMs: number): KaitianError {
    const { to: path, message } = this
    return new KaitianError(
      'ASK_TIMEOUT',
      `${path} did not answer "${message}" within ${timeoutMs} ms; it may be busy, or waiting for the asker`,
      { fields: { path, message, timeoutMs } },
    )
  }

  #aborted(signal: AbortSignal): KaitianError {
    return abortedAsk(this.to, this.message, signal)
  }
}

export function abortedAsk(path: string, message: string, signal: AbortSignal): KaitianError {
  return new KaitianError('ASK_ABORTED', `The ask "${message}" of ${path} was aborted`, {
    cause: signal.reason,
    fields: { path, message },
  })
}
