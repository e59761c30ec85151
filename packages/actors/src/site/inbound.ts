import type { KaitianError } from '@kaitian/errors'
import type { DeadLetterReason } from '../api/events.js'
import type { FlowOrigin, Origin } from '../actor/origin.js'
import { unavailable } from '../supervision/failure.js'
import type { Answers } from './answers.js'

/** The tells of one peer to one actor here: their outcomes go back as counts. */
export class InboundTells implements Origin {
  readonly cancelled = false
  readonly to: number
  readonly #answers: Answers
  /** Handled since the last post, by message. */
  #handled: number[] = []
  #count = 0
  /** So many are told of without delay, or a full window would stand still. */
  readonly #many: number
  /** Takes back what waits for the actor's end. */
  forget: (() => void) | undefined = undefined

  /** @param capacity of the mailbox, which is also the sender's window */
  constructor(answers: Answers, to: number, capacity: number) {
    this.#answers = answers
    this.to = to
    this.#many = Math.ceil(capacity / 4)
  }

  /** Nobody waits for a tell, so nobody gives up: who would hear of that is not kept. */
  get onCancel(): undefined {
    return undefined
  }

  set onCancel(_listener: (() => void) | undefined) {}

  arrived(): void {}

  handled(_value: unknown, index: number): void {
    this.#handled[index] = (this.#handled[index] ?? 0) + 1
    const count = ++this.#count
    if (count === 1) this.#answers.acknowledge(this)
    if (count === this.#many) this.#answers.acknowledgeSoon()
  }

  /** Nobody waits for an answer. */
  refused(_error: KaitianError, index: number): void {
    this.handled(undefined, index)
  }

  dead(reason: DeadLetterReason, index: number): void {
    this.#answers.deadTell(this.to, index, reason)
  }

  /** How many the next post will tell of. */
  get count(): number {
    return this.#count
  }

  deadWith(reason: DeadLetterReason, _error: KaitianError, index: number): void {
    this.dead(reason, index)
  }

  /** Calls back with each message's count, which then begins anew. */
  collect(each: (index: number, count: number) => void): void {
    this.#count = 0
    const handled = this.#handled
    this.#handled = []
    handled.forEach((count, index) => {
      if (count > 0) each(index, count)
    })
  }
}

/** An ask from another thread, on the receiver's side: its outcome goes back by the link. */
export class InboundAsk implements Origin {
  cancelled = false
  onCancel: (() => void) | undefined
  readonly id: number
  protected readonly answers: Answers

  constructor(answers: Answers, id: number) {
    this.answers = answers
    this.id = id
  }

  cancel(): void {
    this.cancelled = true
    this.onCancel?.()
  }

  arrived(): void {
    this.answers.arrived(this)
  }

  handled(value: unknown): void {
    this.answers.handled(this, value)
  }

  refused(error: KaitianError): void {
    this.answers.refused(this, error)
  }

  dead(reason: DeadLetterReason, _index: number, path: string, cause?: Error): void {
    this.answers.dead(this, reason, unavailable(path, reason, cause))
  }

  deadWith(reason: DeadLetterReason, error: KaitianError): void {
    this.answers.dead(this, reason, error)
  }
}

/** A flow that a consumer in another thread opened. */
export class InboundFlow extends InboundAsk implements FlowOrigin {
  credit: number
  onCredit: (() => void) | undefined

  constructor(answers: Answers, id: number, credit: number) {
    super(answers, id)
    this.credit = credit
  }

  grant(count: number): void {
    this.credit += count
    this.onCredit?.()
  }

  item(value: unknown): void {
    this.credit--
    this.answers.item(this, value)
  }
}
