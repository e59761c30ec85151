import type { KaitianError } from '@kaitian/errors'
import type { DeadLetterReason } from '../api/events.js'
import type { FlowOptions } from '../api/ref.js'
import { unavailable } from '../supervision/failure.js'
import type { Book } from './book.js'
import { deferred, type Deferred } from '../deferred.js'
import type { FlowOrigin } from './origin.js'
import { abortedAsk } from './pending-ask.js'

const defaultCredit = 16

/**
 * The consumer's side of a flow: what `for await` pulls. For a producer in the same thread it is
 * the message's origin itself. At most `credit` items are here or under way.
 */
export class FlowConsumer implements FlowOrigin, AsyncIterableIterator<unknown> {
  readonly kind = 'flow'
  readonly to: string
  readonly message: string
  readonly from: string | undefined
  credit: number
  onCancel: (() => void) | undefined = undefined
  onCredit: (() => void) | undefined = undefined
  /** For a producer in another thread: tells it so many items were consumed. */
  onConsumed: ((count: number) => void) | undefined = undefined
  readonly #book: Book
  readonly #window: number
  readonly #items: unknown[] = []
  readonly #pulls: Deferred<IteratorResult<unknown>>[] = []
  #open: (() => void) | undefined
  #consumed = 0
  #ended = false
  #error: KaitianError | undefined
  #stopListening: (() => void) | undefined

  /** @param open sends the opening; called at the first pull, as a generator's body would run */
  constructor(
    book: Book,
    to: string,
    message: string,
    from: string | undefined,
    options: FlowOptions,
    open: (consumer: FlowConsumer) => void,
  ) {
    this.#book = book
    this.to = to
    this.message = message
    this.from = from
    this.#window = options.credit ?? defaultCredit
    this.credit = this.#window
    this.#open = () => {
      if (this.#listen(options.signal)) open(this)
    }
  }

  get cancelled(): boolean {
    return this.#ended
  }

  get settled(): boolean {
    return this.#ended
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<unknown>> {
    const open = this.#open
    this.#open = undefined
    open?.()
    if (this.#items.length > 0) {
      const value = this.#items.shift()
      this.#consume()
      return Promise.resolve({ done: false, value })
    }
    if (this.#ended) return this.#finish()
    const pull = deferred<IteratorResult<unknown>>()
    this.#pulls.push(pull)
    return pull.promise
  }

  /** The loop was left: the producer is told, and nothing more comes. */
  return(): Promise<IteratorResult<unknown>> {
    this.#open = undefined
    if (!this.#ended) {
      this.#end(undefined)
      this.onCancel?.()
    }
    this.#items.length = 0
    this.#error = undefined
    return Promise.resolve({ done: true, value: undefined })
  }

  /** It cannot be opened. */
  notSent(error: KaitianError): void {
    this.#end(error)
  }

  item(value: unknown): void {
    this.credit--
    if (this.#ended) return
    const pull = this.#pulls.shift()
    if (pull === undefined) {
      this.#items.push(value)
      return
    }
    this.#consume()
    pull.resolve({ done: false, value })
  }

  /** Its place in the mailbox was free for others when it was taken out. */
  arrived(): void {}

  handled(): void {
    this.#book.handled++
    this.#end(undefined)
  }

  refused(error: KaitianError): void {
    this.#book.handled++
    this.#end(error)
  }

  dead(reason: DeadLetterReason, _index: number, path: string, cause?: Error): void {
    this.deadWith(reason, unavailable(path, reason, cause))
  }

  deadWith(reason: DeadLetterReason, error: KaitianError): void {
    this.#end(error)
    this.#book.dead(this.to, this.kind, this.message, reason)
  }

  /** Half a window at a time: a word for each item would cost a message for each item. */
  #consume(): void {
    this.#consumed++
    if (this.#consumed * 2 < this.#window || this.#ended) return
    const count = this.#consumed
    this.#consumed = 0
    this.credit += count
    this.onConsumed?.(count)
    this.onCredit?.()
  }

  #end(error: KaitianError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#stopListening?.()
    for (const pull of this.#pulls.splice(0)) {
      const thrown = this.#error
      this.#error = undefined
      if (thrown === undefined) pull.resolve({ done: true, value: undefined })
      else pull.reject(thrown)
    }
  }

  /** An error is thrown once, after the items that came before it. */
  #finish(): Promise<IteratorResult<unknown>> {
    const error = this.#error
    this.#error = undefined
    return error === undefined
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(error)
  }

  #listen(signal: AbortSignal | undefined): boolean {
    if (signal === undefined) return true
    const onAbort = (): void => {
      if (this.#ended) return
      this.#end(abortedAsk(this.to, this.message, signal))
      this.onCancel?.()
    }
    if (signal.aborted) {
      onAbort()
      return false
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#stopListening = () => signal.removeEventListener('abort', onAbort)
    return true
  }
}
