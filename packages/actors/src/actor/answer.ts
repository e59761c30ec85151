import { isKaitianError, KaitianError } from '@kaitian/errors'
import type { DeferredAnswer } from '../api/context.js'
import type { DeadLetterReason } from '../api/events.js'
import { validate, type Checked } from '../schema.js'
import { isThenable } from '../shapes.js'
import { faultOf, invalid, unavailable } from '../supervision/failure.js'
import type { Cell } from './cell.js'
import { quietController, type Incarnation } from './incarnation.js'
import type { Origin } from './origin.js'

/**
 * The answer to an ask that is no longer in hand. It has one outcome (A3), the first of: it is
 * given, the asker gives up, the incarnation ends.
 */
export class OpenAnswer implements DeferredAnswer<unknown> {
  readonly origin: Origin
  readonly #cell: Cell
  readonly #life: Incarnation
  readonly #index: number
  #controller: AbortController | undefined
  /** By the actor, which may do so once. */
  #given = false
  /** It has no outcome yet. */
  #open = true

  /** @param controller of `ctx.message.signal`, where that was wanted before */
  constructor(cell: Cell, life: Incarnation, controller: AbortController | undefined) {
    this.#cell = cell
    this.#life = life
    this.#index = cell.mailbox.index
    this.origin = cell.mailbox.origin as Origin
    this.#controller = controller
  }

  get signal(): AbortSignal {
    this.#controller ??= quietController()
    if (this.#life.hasEnded) this.#controller.abort(this.#life.endedBecause)
    return this.#controller.signal
  }

  /** From now on it hears when the asker gives up. */
  begin(): void {
    const { origin } = this
    const others = origin.onCancel
    origin.onCancel = () => {
      others?.()
      this.#askerLeft()
    }
    if (origin.cancelled) this.#askerLeft()
    else origin.arrived()
  }

  // As properties, since they are handed on: `.then(answer.reply, answer.refuse)`.
  readonly reply = (value: unknown): void => {
    this.#give()
    if (!this.#open) return
    const schema = this.#cell.table.replies[this.#index]
    if (schema === undefined) return this.#decide({ value })
    const checked = validate(schema, value)
    if (isThenable(checked)) void checked.then((outcome) => this.#decide(outcome))
    else this.#decide(checked)
  }

  readonly refuse = (error: unknown): void => {
    this.#give()
    this.#refuse(error)
  }

  /** The handler threw, after it had deferred its answer. */
  threw(error: unknown): void {
    // Of another answer nobody would hear.
    if (this.#given) return this.fail(this.#faultOf(error))
    this.#given = true
    this.#refuse(error)
  }

  /** It is a fault of the actor, which fails. */
  fail(fault: KaitianError): void {
    if (this.#close()) this.origin.refused(fault, this.#index)
    this.#cell.fail(this.#life, fault)
  }

  /** The incarnation is told to end. */
  abort(reason: KaitianError = this.#life.endedBecause): void {
    this.#controller ??= quietController()
    this.#controller.abort(reason)
  }

  /** The incarnation has ended. */
  lose(reason: DeadLetterReason, error: KaitianError | undefined): void {
    if (!this.#close()) return
    const { path } = this.#cell
    if (error === undefined) this.origin.dead(reason, this.#index, path)
    else this.origin.deadWith(reason, error, this.#index)
    this.abort(error ?? unavailable(path, reason))
  }

  misused(rule: string): KaitianError {
    const { path } = this.#cell
    const sentence = `${path} has deferred its answer to "${this.#name}": ${rule}`
    return new KaitianError('BAD_ARGUMENT', sentence, { fields: { path, message: this.#name } })
  }

  get #name(): string {
    return this.#cell.table.names[this.#index]
  }

  #give(): void {
    if (this.#given) throw this.misused('it was given already, and is given once')
    this.#given = true
  }

  #decide(outcome: Checked): void {
    if (!this.#close()) return
    if ('value' in outcome) return this.origin.handled(outcome.value, this.#index)
    this.origin.refused(invalid(`the reply to ${this.#name}`, outcome.issues), this.#index)
  }

  /** As what an ask's handler throws. */
  #refuse(error: unknown): void {
    if (!isKaitianError(error)) this.fail(this.#faultOf(error))
    else if (this.#close()) this.origin.refused(error, this.#index)
  }

  #askerLeft(): void {
    if (!this.#close()) return
    this.origin.dead('aborted', this.#index, this.#cell.path)
    this.abort(unavailable(this.#cell.path, 'aborted'))
  }

  #faultOf(error: unknown): KaitianError {
    return faultOf(this.#cell.path, this.#name, error)
  }

  /** False when it had its outcome before. */
  #close(): boolean {
    if (!this.#open) return false
    this.#open = false
    this.#cell.inHand.answered(this)
    return true
  }
}
