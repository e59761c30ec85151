import { KaitianError } from '@kaitian/errors'
import type { MessageInHand } from '../api/context.js'
import type { DeadLetterReason } from '../api/events.js'
import { validate, type Checked, type Schema } from '../schema.js'
import { faultOf, invalid, unavailable } from '../supervision/failure.js'
import type { Cell } from './cell.js'
import type { Incarnation, Method } from './incarnation.js'
import { messageController } from './message-controller.js'
import { OpenFlow } from './open-flow.js'
import type { Origin } from './origin.js'
import { Stash } from './stash.js'
import { ignore, isIterable, isThenable } from '../shapes.js'

/** Thrown by `ctx.stash`, caught where handlers are called. */
const putAside = Symbol('put aside')

/**
 * What becomes of the message in hand, which is in the mailbox's fields. While its handler's promise
 * is pending the cell is busy, and `#turn` tells a settlement that comes too late from one in time.
 */
export class Handling {
  readonly #cell: Cell
  #turn = 0
  #since = 0
  #held = false
  #abort: AbortController | undefined = undefined
  #stash: Stash | undefined = undefined

  constructor(cell: Cell) {
    this.#cell = cell
  }

  /** There is one: its handler runs, or has not settled. */
  get held(): boolean {
    return this.#held
  }

  /** When its handler was found not to settle at once. */
  get since(): number {
    return this.#since
  }

  get stashed(): number {
    return this.#stash?.size ?? 0
  }

  /** Of all messages that wait, are in hand or put aside. */
  origins(): (Origin | undefined)[] {
    const { mailbox } = this.#cell
    const inHand = this.#held ? [mailbox.origin] : []
    return [...mailbox.origins(), ...inHand, ...(this.#stash?.origins ?? [])]
  }

  handle(life: Incarnation): void {
    const cell = this.#cell
    const { mailbox, table, site } = cell
    const { index, origin } = mailbox
    if (origin !== undefined && origin.cancelled) return void cell.refuse(index, origin, 'aborted')
    const method = life.handler(table.names[index])
    if (typeof method !== 'function') return void cell.refuse(index, origin, 'unknown-message')
    site.tracer?.(cell.path, table.names[index])
    const schema = table.payloads[index]
    if (schema !== undefined) return this.#check(life, method as Method, schema)
    this.#call(life, method as Method, mailbox.payload)
  }

  /** For `ctx.message`. */
  message(life: Incarnation): MessageInHand {
    const cell = this.#cell
    if (!this.#held) {
      throw new KaitianError(
        'BAD_ARGUMENT',
        `${cell.path} has no message in hand: read ctx.message in its handler, not in a timer or callback`,
      )
    }
    const { index, origin, trace } = cell.mailbox
    const turn = this.#turn
    let made: AbortSignal | undefined
    const make = (): AbortSignal => {
      if (turn !== this.#turn) return AbortSignal.abort(unavailable(cell.path, 'stopped'))
      this.#abort ??= messageController(life, origin, cell.path)
      return this.#abort.signal
    }
    const kind = cell.table.kinds[index]
    // The body of a flow goes on when the message is no longer in hand.
    if (kind === 'flow') made = make()
    return {
      name: cell.table.names[index],
      kind,
      trace,
      get signal() {
        return (made ??= make())
      },
    }
  }

  /** The incarnation is told to end; whoever works on the message may want to know. */
  abortMessage(life: Incarnation): void {
    this.#abort?.abort(life.endedBecause)
  }

  /**
   * Lets go of the message in hand, whose handler will settle too late.
   *
   * @param error for the asker, where the reason alone does not say it
   */
  letGo(reason: DeadLetterReason, error?: KaitianError): void {
    this.#turn++
    this.#abort?.abort(error ?? unavailable(this.#cell.path, reason))
    this.#abort = undefined
    if (!this.#held) return
    this.#held = false
    const { index, origin } = this.#cell.mailbox
    this.#cell.mailbox.release()
    if (origin !== undefined && error !== undefined) origin.deadWith(reason, error, index)
    else this.#cell.refuse(index, origin, reason)
  }

  refuseAll(reason: DeadLetterReason, cause: Error | undefined): void {
    const cell = this.#cell
    const { mailbox } = cell
    for (const { index, origin } of this.#stash?.takeAll() ?? []) {
      cell.refuse(index, origin, reason, cause)
    }
    mailbox.besideHand(() => {
      while (mailbox.take()) cell.refuse(mailbox.index, mailbox.origin, reason, cause)
    })
  }

  dropOldest(): void {
    const { mailbox } = this.#cell
    mailbox.besideHand(() => {
      mailbox.take()
      this.#cell.refuse(mailbox.index, mailbox.origin, 'dropped')
    })
  }

  stash(): never {
    const cell = this.#cell
    if (this.stashed >= cell.capacity) throw unavailable(cell.path, 'mailbox-full')
    // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- never leaves this class
    throw putAside
  }

  unstash(): void {
    this.#stash?.putBack(this.#cell.mailbox)
  }

  #call(life: Incarnation, method: Method, payload: unknown): void {
    const cell = this.#cell
    const { mailbox, site } = cell
    const turn = this.#turn
    let result: unknown
    site.current = cell
    this.#held = true
    try {
      result = life.call(method, payload)
    } catch (error) {
      site.current = undefined
      return turn === this.#turn ? this.#threw(life, error) : undefined
    }
    site.current = undefined
    // The handler has ended its own incarnation; nobody waits for what it returns.
    if (turn !== this.#turn) return ignore(result)
    if (cell.table.kinds[mailbox.index] === 'flow') return this.#openFlow(life, result)
    // Awaiting what is no promise would cost a microtask per message.
    if (!isThenable(result)) return this.#answer(life, result)
    this.#hold(
      result,
      (value) => this.#answer(life, value),
      (error) => this.#threw(life, error),
    )
  }

  #answer(life: Incarnation, value: unknown): void {
    const { mailbox, table, site } = this.#cell
    const { index, origin } = mailbox
    if (origin === undefined) {
      site.book.handled++
      return this.#done()
    }
    const schema = table.replies[index]
    if (schema === undefined) {
      this.#done()
      return origin.handled(value, index)
    }
    const what = `the reply to ${table.names[index]}`
    const decide = (outcome: Checked): void => {
      this.#done()
      if ('value' in outcome) origin.handled(outcome.value, index)
      // Handled it is: the handler has returned.
      else origin.refused(invalid(what, outcome.issues), index)
    }
    this.#afterCheck(life, validate(schema, value), decide)
  }

  /**
   * A KaitianError thrown by an ask's handler is an answer: only the asker hears it. Anything
   * else is a fault of the actor, and so is what a tell's handler throws, since nobody else
   * would hear of it.
   */
  #threw(life: Incarnation, error: unknown): void {
    const cell = this.#cell
    const { index, origin } = cell.mailbox
    if (error === putAside) return this.#putAside()
    this.#done()
    if (
      origin !== undefined &&
      cell.table.kinds[index] !== 'tell' &&
      error instanceof KaitianError
    ) {
      return origin.refused(error, index)
    }
    const fault = faultOf(cell.path, cell.table.names[index], error)
    if (origin === undefined) cell.site.book.handled++
    else origin.refused(fault, index)
    cell.fail(life, fault)
  }

  #putAside(): void {
    this.#stash ??= new Stash()
    this.#stash.put(this.#cell.mailbox)
    this.#done()
  }

  #openFlow(life: Incarnation, result: unknown): void {
    if (!isIterable(result)) {
      const { table, mailbox } = this.#cell
      const name = table.names[mailbox.index]
      return this.#threw(life, new TypeError(`the handler of the flow "${name}" is no generator`))
    }
    const flow = new OpenFlow(this.#cell, life, result)
    flow.begin()
    this.#done()
    flow.run()
  }

  #check(life: Incarnation, method: Method, schema: Schema): void {
    const { mailbox, table } = this.#cell
    const decide = (outcome: Checked): void => {
      if ('value' in outcome) return this.#call(life, method, outcome.value)
      const { index, origin } = mailbox
      this.#done()
      const what = `the payload of ${table.names[index]}`
      this.#cell.refuse(index, origin, 'invalid', invalid(what, outcome.issues))
    }
    this.#afterCheck(life, validate(schema, mailbox.payload), decide)
  }

  #afterCheck(
    life: Incarnation,
    checked: Checked | Promise<Checked>,
    decide: (outcome: Checked) => void,
  ): void {
    if (!isThenable(checked)) return decide(checked)
    this.#hold(checked, decide as (value: unknown) => void, (error) => this.#threw(life, error))
  }

  /** Busy until the promise has settled; nothing happens when a kill has settled it meanwhile. */
  #hold(
    promise: PromiseLike<unknown>,
    resolved: (value: unknown) => void,
    rejected: (error: unknown) => void,
  ): void {
    const cell = this.#cell
    const turn = this.#turn
    cell.busy = true
    this.#held = true
    this.#since = cell.site.clock.now()
    const settle = (next: () => void): void => {
      if (turn !== this.#turn) return
      next()
      cell.wake()
    }
    promise.then(
      (value) => settle(() => resolved(value)),
      (error: unknown) => settle(() => rejected(error)),
    )
  }

  /** The message in hand is done with. */
  #done(): void {
    this.#turn++
    if (this.#held) {
      this.#held = false
      this.#cell.busy = false
    }
    this.#abort = undefined
    this.#cell.mailbox.release()
  }
}
