import { KaitianError, type ErrorRecord } from '@kaitian/errors'
import type { DeadLetterReason } from '../api/events.js'
import { endToRecord, type End } from '../supervision/failure.js'
import type { InboundAsk, InboundFlow, InboundTells } from './inbound.js'
import type { Outbox } from './outbox.js'
import { holdsRef, packValue, transferOf } from './parcel.js'
import type { Site } from './site.js'
import { Op, withRefs } from './wire.js'

/** What this site answers to one incarnation of a peer. */
export class Answers {
  readonly #site: Site
  readonly #outbox: Outbox
  readonly #asked = new Map<number, InboundAsk>()
  /** Have counts for the next post. */
  #acknowledging: InboundTells[] = []
  /** In the last turn of the event loop. */
  #lastCount = 0

  constructor(site: Site, outbox: Outbox) {
    this.#site = site
    this.#outbox = outbox
  }

  /** The peer has ended: whoever works for it may stop. */
  end(): void {
    for (const origin of this.#asked.values()) origin.cancel()
    this.#asked.clear()
    this.#acknowledging = []
  }

  /** An ask or flow came. */
  note(origin: InboundAsk): void {
    this.#asked.set(origin.id, origin)
  }

  find(id: number): InboundAsk | undefined {
    return this.#asked.get(id)
  }

  acknowledge(tells: InboundTells): void {
    this.#acknowledging.push(tells)
    if (this.#acknowledging.length === 1) this.#site.scheduler.later(this.#whenIdle)
  }

  acknowledgeSoon(): void {
    this.#outbox.schedule()
  }

  writeAcknowledgements(): void {
    const acknowledging = this.#acknowledging
    if (acknowledging.length === 0) return
    this.#acknowledging = []
    this.#lastCount = 0
    for (const tells of acknowledging) {
      tells.collect((index, count) => this.#outbox.open().push(Op.handled, tells.to, index, count))
    }
  }

  deadTell(to: number, index: number, reason: DeadLetterReason): void {
    this.#outbox.open().push(Op.deadTell, to, index, reason)
  }

  /** It has left the mailbox, and its outcome is still to come. */
  arrived(origin: InboundAsk): void {
    if (this.#asked.has(origin.id)) this.#outbox.open().push(Op.arrived, origin.id)
  }

  handled(origin: InboundAsk, value: unknown): void {
    if (this.#forget(origin)) this.#write(Op.reply, origin.id, value, 'The reply')
  }

  item(origin: InboundFlow, value: unknown): void {
    if (this.#asked.has(origin.id)) this.#write(Op.item, origin.id, value, 'An item')
  }

  refused(origin: InboundAsk, error: KaitianError): void {
    if (this.#forget(origin)) this.#outbox.open().push(Op.refused, origin.id, error.toRecord())
  }

  dead(origin: InboundAsk, reason: DeadLetterReason, error: KaitianError): void {
    if (this.#forget(origin)) this.#outbox.open().push(Op.dead, origin.id, reason, error.toRecord())
  }

  /** The actor is gone, and little is known of it any more. */
  absent(origin: InboundAsk, reason: DeadLetterReason): void {
    if (this.#forget(origin)) this.#outbox.open().push(Op.dead, origin.id, reason, undefined)
  }

  down(to: number, end: End): void {
    this.#outbox.open().push(Op.down, to, endToRecord(end))
  }

  /** A reply or an item turned out not to be cloneable. */
  uncloneable(id: number, cause: unknown): void {
    this.#outbox.open().push(Op.refused, id, notCloneable('The answer', cause))
    this.#asked.get(id)?.cancel()
    this.#asked.delete(id)
  }

  /** A post wakes the peer's thread: while more is handled, the counts can wait for one another. */
  readonly #whenIdle = (): void => {
    const count = this.#acknowledging.reduce((sum, tells) => sum + tells.count, 0)
    if (count === 0) return
    if (count === this.#lastCount) return this.#outbox.schedule()
    this.#lastCount = count
    this.#site.scheduler.later(this.#whenIdle)
  }

  #write(op: number, id: number, value: unknown, what: string): void {
    try {
      const refs = holdsRef(value, 0, undefined)
      const packed = refs ? packValue(value, this.#site, new Map()) : value
      this.#outbox.open(transferOf(value)).push(op + (refs ? withRefs : 0), id, packed)
    } catch (cause) {
      this.#outbox.open().push(Op.refused, id, notCloneable(what, cause))
      // No more items: the consumer has heard the end.
      if (op === Op.item) this.#asked.get(id)?.cancel()
    }
  }

  /** False when the peer has ended. */
  #forget(origin: InboundAsk): boolean {
    return this.#asked.delete(origin.id)
  }
}

function notCloneable(what: string, cause: unknown): ErrorRecord {
  if (cause instanceof KaitianError && cause.code === 'MESSAGE_TOO_LARGE') {
    const { code, message, fields } = cause
    return new KaitianError(code, `${what} was not sent. ${message}`, { cause, fields }).toRecord()
  }
  return new KaitianError(
    'MESSAGE_NOT_CLONEABLE',
    `${what} cannot cross to the asker's thread or process; use plain data, typed arrays, shared buffers and refs`,
    { cause },
  ).toRecord()
}
