import { isKaitianError, KaitianError } from '@kaitian/errors'
import type { MessageInHand } from '../api/context.js'
import type { DeadLetterReason } from '../api/events.js'
import { validate, type Checked, type Schema } from '../schema.js'
import { ignore, isIterable, isThenable } from '../shapes.js'
import { faultOf, invalid, unavailable } from '../supervision/failure.js'
import { OpenAnswer } from './answer.js'
import type { Cell } from './cell.js'
import type { Incarnation, Method } from './incarnation.js'
import { messageController } from './message-controller.js'
import { OpenFlow } from './open-flow.js'
import type { Origin } from './origin.js'
import { comesFrom, putAside, Stash } from './stash.js'

/**
 * What becomes of the message in hand, which is in the mailbox's fields. While its handler's promise
 * is pending the cell is busy, and `#turn` tells a settlement that comes too late from one in time.
 * All code of the user's that is called in between may end the incarnation, and so the turn.
 */
export class Handling {
  readonly #cell: Cell
  #turn = 0
  #since = 0
  #held = false
  /**
   * What its handler has said of the message in hand before it settled. That counts, and not how it
   * settles then: a `catch` or `finally` of its own may have swallowed what `ctx.stash` throws.
   */
  #said: typeof putAside | OpenAnswer | undefined = undefined
  #abort: AbortController | undefined = undefined
  #stash: Stash | undefined = undefined
  /** Those that were deferred and have no outcome yet. */
  #answers: Set<OpenAnswer> | undefined = undefined

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

  /** So many answers were deferred and have not been given. */
  get deferred(): number {
    return this.#answers?.size ?? 0
  }

  /** Of all messages that wait, are in hand, put aside or deferred. */
  origins(): (Origin | undefined)[] {
    const { mailbox } = this.#cell
    const inHand = this.#held && !(this.#said instanceof OpenAnswer) ? [mailbox.origin] : []
    const deferred = [...(this.#answers ?? [])].map(({ origin }) => origin)
    return [...mailbox.origins(), ...inHand, ...(this.#stash?.origins ?? []), ...deferred]
  }

  handle(life: Incarnation): void {
    const cell = this.#cell
    const { mailbox, table, site } = cell
    const { index, origin } = mailbox
    if (origin !== undefined && origin.cancelled) return void cell.refuse(index, origin, 'aborted')
    let method: unknown
    try {
      method = life.handler(table.names[index])
    } catch (error) {
      this.#held = true
      return this.#threw(life, error)
    }
    if (typeof method !== 'function') return void cell.refuse(index, origin, 'unknown-message')
    site.tracer?.(cell.path, table.names[index])
    this.#held = true
    const schema = table.payloads[index]
    if (schema !== undefined) return this.#check(life, method as Method, schema)
    this.#call(life, method as Method, mailbox.payload)
  }

  /** For `ctx.message`. */
  message(life: Incarnation): MessageInHand {
    const cell = this.#cell
    this.#mustHold(life, 'read ctx.message')
    const { index, origin, trace } = cell.mailbox
    const turn = this.#turn
    let made: AbortSignal | undefined
    const make = (): AbortSignal => {
      if (turn !== this.#turn) return AbortSignal.abort(unavailable(cell.path, 'stopped'))
      if (this.#said instanceof OpenAnswer) return this.#said.signal
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
      defer: () => this.#defer(life, turn),
    }
  }

  /** The incarnation is told to end; whoever works on a message may want to know. */
  abortMessages(life: Incarnation): void {
    this.#abort?.abort(life.endedBecause)
    if (this.#answers !== undefined) for (const answer of this.#answers) answer.abort()
  }

  /**
   * Lets go of the message in hand, whose handler will settle too late, and of the answers that
   * are still to be given.
   *
   * @param error for the asker, where the reason alone does not say it
   */
  letGo(reason: DeadLetterReason, error?: KaitianError): void {
    const wasHeld = this.#held && !(this.#said instanceof OpenAnswer)
    const { index, origin } = this.#cell.mailbox
    this.#abort?.abort(error ?? unavailable(this.#cell.path, reason))
    this.#done()
    if (wasHeld) {
      if (origin !== undefined && error !== undefined) origin.deadWith(reason, error, index)
      else this.#cell.refuse(index, origin, reason)
    }
    if (this.#answers !== undefined) for (const answer of this.#answers) answer.lose(reason, error)
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

  stash(life: Incarnation): never {
    const cell = this.#cell
    this.#mustHold(life, 'call ctx.stash()')
    if (this.#said instanceof OpenAnswer) throw this.#said.misused('it cannot be put aside too')
    if (this.stashed >= cell.capacity) throw unavailable(cell.path, 'mailbox-full')
    this.#said = putAside
    // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- no error, and of no use to anybody else
    throw putAside
  }

  unstash(): void {
    this.#stash?.putBack(this.#cell.mailbox)
  }

  /** An answer has its outcome. */
  answered(answer: OpenAnswer): void {
    this.#answers?.delete(answer)
    // A stop may have waited for it.
    this.#cell.wake()
  }

  /** The handler of the message of that turn will answer later. */
  #defer(life: Incarnation, turn: number): OpenAnswer {
    const cell = this.#cell
    const { mailbox, table } = cell
    const name = table.names[mailbox.index]
    if (turn !== this.#turn || !this.#held) {
      throw misused(cell.path, 'the handler has settled; call defer() before it does')
    }
    if (this.#said instanceof OpenAnswer) return this.#said
    if (this.#said === putAside) throw misused(cell.path, `"${name}" is put aside`)
    if (mailbox.origin === undefined || table.kinds[mailbox.index] !== 'ask') {
      const kind = table.kinds[mailbox.index]
      throw misused(cell.path, `"${name}" is a ${kind}: only an ask has an answer to defer`)
    }
    if (this.deferred >= cell.capacity) {
      throw new KaitianError(
        'MAILBOX_FULL',
        `${cell.path} has ${cell.capacity} answers to give, as many as its mailbox may hold messages; give some first, or spawn it with a larger mailbox.capacity`,
        { fields: { path: cell.path } },
      )
    }
    const answer = new OpenAnswer(cell, life, this.#abort)
    this.#said = answer
    this.#answers ??= new Set()
    this.#answers.add(answer)
    answer.begin()
    return answer
  }

  #mustHold(life: Incarnation, what: string): void {
    if (this.#held && this.#cell.life === life) return
    throw misused(
      this.#cell.path,
      `it has no message in hand: ${what} in a handler, not in a timer or callback`,
    )
  }

  #call(life: Incarnation, method: Method, payload: unknown): void {
    const cell = this.#cell
    const { mailbox, site } = cell
    const turn = this.#turn
    let result: unknown
    let isPending: boolean
    site.current = cell
    try {
      result = life.call(method, payload)
      isPending = isThenable(result)
    } catch (error) {
      site.current = undefined
      return turn === this.#turn ? this.#threw(life, error) : undefined
    }
    site.current = undefined
    // The handler has ended its own incarnation; nobody waits for what it returns.
    if (turn !== this.#turn) return ignore(result)
    if (cell.table.kinds[mailbox.index] === 'flow') return this.#openFlow(life, result)
    // Awaiting what is no promise would cost a microtask per message.
    if (!isPending) return this.#returned(life, result)
    this.#hold(
      result as PromiseLike<unknown>,
      (value) => this.#returned(life, value),
      (error) => this.#threw(life, error),
    )
  }

  #returned(life: Incarnation, value: unknown): void {
    if (this.#said !== undefined) return this.#returnedInSpite(this.#said, value)
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
    this.#checked(life, schema, value, (outcome) => {
      this.#done()
      if ('value' in outcome) origin.handled(outcome.value, index)
      // Handled it is: the handler has returned.
      else origin.refused(invalid(what, outcome.issues), index)
    })
  }

  /** It has said already what is to become of its message. */
  #returnedInSpite(said: typeof putAside | OpenAnswer, value: unknown): void {
    if (said === putAside) return this.#putAside()
    if (value === undefined || value === said) return this.#done()
    const { mailbox, path, table } = this.#cell
    const name = table.names[mailbox.index]
    this.#done()
    const rule = 'its handler may return what defer() gave, or nothing, but no other answer'
    said.fail(faultOf(path, name, said.misused(rule)))
  }

  /**
   * A KaitianError thrown by an ask's handler is an answer: only the asker hears it. Anything
   * else is a fault of the actor, and so is what a tell's handler throws, since nobody else
   * would hear of it.
   */
  #threw(life: Incarnation, error: unknown): void {
    const cell = this.#cell
    const { index, origin } = cell.mailbox
    const name = cell.table.names[index]
    const said = this.#said
    if (said === putAside) {
      // Unless it comes of what `stash` threw, it is a fault in what tidies up behind it.
      if (!comesFrom(error, putAside)) cell.report(faultOf(cell.path, name, error))
      return this.#putAside()
    }
    this.#done()
    if (said !== undefined) return said.threw(error)
    if (origin !== undefined && cell.table.kinds[index] !== 'tell' && isKaitianError(error)) {
      return origin.refused(error, index)
    }
    const fault = faultOf(cell.path, name, error)
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
    if (this.#said === putAside) return this.#putAside()
    const turn = this.#turn
    let flow: OpenFlow
    try {
      flow = new OpenFlow(this.#cell, life, this.#itemsOf(result))
    } catch (error) {
      return turn === this.#turn ? this.#threw(life, error) : undefined
    }
    flow.begin()
    // Its body has ended its own incarnation, and the consumer has heard so.
    if (turn !== this.#turn) return flow.leave()
    if (this.#isAside()) {
      flow.leave()
      return this.#putAside()
    }
    this.#done()
    flow.run()
  }

  /** The body of a flow may have called `stash` too. */
  #isAside(): boolean {
    return this.#said === putAside
  }

  #itemsOf(result: unknown): AsyncIterable<unknown> | Iterable<unknown> {
    if (isIterable(result)) return result
    ignore(result)
    const { table, mailbox } = this.#cell
    throw new TypeError(`the handler of the flow "${table.names[mailbox.index]}" is no generator`)
  }

  #check(life: Incarnation, method: Method, schema: Schema): void {
    const { mailbox, table } = this.#cell
    this.#checked(life, schema, mailbox.payload, (outcome) => {
      if ('value' in outcome) return this.#call(life, method, outcome.value)
      const { index, origin } = mailbox
      this.#done()
      const what = `the payload of ${table.names[index]}`
      this.#cell.refuse(index, origin, 'invalid', invalid(what, outcome.issues))
    })
  }

  #checked(
    life: Incarnation,
    schema: Schema,
    value: unknown,
    decide: (outcome: Checked) => void,
  ): void {
    const turn = this.#turn
    const checked = validate(schema, value)
    if (turn !== this.#turn) return ignore(checked)
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
    this.#since = cell.site.clock.now()
    const settle = (next: () => void): void => {
      if (turn !== this.#turn) return
      next()
      cell.wake()
    }
    // A promise as it is; what merely has a `then` may throw, or call back twice.
    Promise.resolve(promise).then(
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
    this.#said = undefined
    this.#abort = undefined
    this.#cell.mailbox.release()
  }
}

function misused(path: string, what: string): KaitianError {
  return new KaitianError('BAD_ARGUMENT', `${path}: ${what}`, { fields: { path } })
}
