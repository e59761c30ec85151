import type { KaitianError } from '@kaitian/errors'
import { deferred, type Deferred } from '../deferred.js'
import { validate, type Schema } from '../schema.js'
import { invalid } from '../supervision/failure.js'
import type { FlowOrigin } from './origin.js'
import type { Scheduler } from './turns.js'

/** What a producer tells its actor, once. */
export interface FlowOutcome {
  ended(): void
  threw(error: unknown): void
}

/** Items before timers and ports get their turn: all of a flow may run in microtasks. */
const itemsPerTick = 1024

/**
 * The producer's side of a flow: pulls the handler's iterator while there is credit. It runs
 * beside the actor's handlers, so it touches nothing of the actor's own.
 */
export class FlowProducer {
  readonly #iterator: AsyncIterator<unknown> | Iterator<unknown>
  readonly #origin: FlowOrigin
  readonly #schema: Schema | undefined
  readonly #what: string
  readonly #scheduler: Scheduler
  #left = itemsPerTick
  /** The consumer has gone, or the incarnation has. */
  #stopped = false
  #credited: Deferred<void> | undefined
  #first: Promise<IteratorResult<unknown>> | undefined

  constructor(
    iterable: AsyncIterable<unknown> | Iterable<unknown>,
    origin: FlowOrigin,
    schema: Schema | undefined,
    what: string,
    scheduler: Scheduler,
  ) {
    this.#scheduler = scheduler
    this.#iterator =
      Symbol.asyncIterator in iterable
        ? iterable[Symbol.asyncIterator]()
        : iterable[Symbol.iterator]()
    this.#origin = origin
    this.#schema = schema
    this.#what = what
    origin.onCredit = () => this.#credited?.resolve()
    origin.onCancel = () => this.stop()
  }

  /** Runs the body up to its first `await` or item: in the turn of the opening, so that it sees its message. */
  begin(): void {
    if (this.#origin.credit > 0) this.#first = this.#pull()
  }

  /** Never rejects. */
  async run(outcome: FlowOutcome): Promise<void> {
    try {
      while (!this.#stopped) {
        if (this.#origin.credit <= 0) {
          this.#credited = deferred<void>()
          await this.#credited.promise
          continue
        }
        if (this.#left-- === 0) {
          this.#left = itemsPerTick
          await new Promise<void>((resolve) => this.#scheduler.later(resolve))
          continue
        }
        const { done, value } = await (this.#first ?? this.#pull())
        this.#first = undefined
        if (this.#stopped) break
        if (done === true) return outcome.ended()
        this.#origin.item(await this.#checked(value))
      }
      outcome.ended()
    } catch (error) {
      outcome.threw(error)
    }
  }

  /** Runs the generator's `finally` as soon as its pending `await` lets it. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#credited?.resolve()
    // Nobody pulls it any more, where the opening was not the last that its turn did.
    this.#first?.catch(() => undefined)
    void this.#leave()
  }

  async #leave(): Promise<void> {
    try {
      await this.#iterator.return?.()
    } catch {
      // What it throws on the way out has nobody to go to: the consumer left first.
    }
  }

  async #pull(): Promise<IteratorResult<unknown>> {
    return this.#iterator.next()
  }

  async #checked(value: unknown): Promise<unknown> {
    if (this.#schema === undefined) return value
    const checked = await validate(this.#schema, value)
    if ('value' in checked) return checked.value
    this.stop()
    throw invalid(this.#what, checked.issues) satisfies KaitianError
  }
}
