import { KaitianError, type ErrorRecord } from '@kaitian/errors'
import type { DeadLetterReason } from '../api/events.js'
import { endToRecord, type End } from '../supervision/failure.js'
import type { InboundAsk, InboundFlow, InboundTells } from './inbound.js'
import type { Outbox } from './outbox.js'
import { holdsRef, packValue, transferOf } from './parcel.js'
import type { Site } from './site.js'
import { Op, withRefs } from './wire.js'

/**
 * What this site answers to one peer. What was asked by an incarnation of the peer that has ended is
 * not answered: the next one would take our ids for its own.
 */
export class Answers {
  readonly #site: Site
  readonly #outbox: Outbox
  readonly #asked = new Map<number, InboundAsk>()
  /** Have counts for the next post. */
  #acknowledging: InboundTells[] = []
  /** In the last turn of the event loop. */
  #lastCount = 0
  #epoch = 0

  constructor(site: Site, outbox: Outbox) {
    this.#site = site
    this.#outbox = outbox
  }

  /** Counts the incarnations of the peer. */
  get epoch(): number {
    return this.#epoch
  }

  /** The peer's incarnation has ended: whoever works for it may stop. */
  nextEpoch(): void {
    this.#epoch++
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

  acknowledge(tells: InboundTells, epoch: number): void {
    if (epoch !== this.#epoch) return
    this.#acknowledging.push(tells)
    if (this.#acknowledging.length === 1) this.#site.scheduler.later(this.#whenIdle)
  }

  acknowledgeSoon(epoch: number): void {
    if (epoch === this.#epoch) this.#outbox.schedule()
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

  deadTell(epoch: number, to: number, index: number, reason: DeadLetterReason): void {
    if (epoch === this.#epoch) this.#outbox.open().push(Op.deadTell, to, index, reason)
  }

  handled(origin: InboundAsk, value: unknown): void {
    if (this.#forget(origin)) this.#write(Op.reply, origin.id, value, 'the reply')
  }

  item(origin: InboundFlow, value: unknown): void {
    if (origin.epoch === this.#epoch) this.#write(Op.item, origin.id, value, 'an item')
  }

  refused(origin: InboundAsk, error: KaitianError): void {
    if (this.#forget(origin)) this.#outbox.open().push(Op.refused, origin.id, error.toRecord())
  }

  dead(origin: InboundAsk, reason: DeadLetterReason, error: KaitianError): void {
    if (this.#forget(origin)) this.#outbox.open().push(Op.dead, origin.id, reason, error.toRecord())
  }

  /** The actor is gone, and nothing is known of it any more but to who asks. */
  absent(origin: InboundAsk): void {
    if (this.#forget(origin)) this.#outbox.open().push(Op.dead, origin.id, 'stopped', undefined)
  }

  down(epoch: number, to: number, end: End): void {
    if (epoch === this.#epoch) this.#outbox.open().push(Op.down, to, endToRecord(end))
  }

  /** A reply or an item turned out not to be cloneable. */
  uncloneable(id: number, cause: unknown): void {
    this.#outbox.open().push(Op.refused, id, notCloneable('the answer', cause))
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

  /** False when the peer is not the one that asked. */
  #forget(origin: InboundAsk): boolean {
    return origin.epoch === this.#epoch && this.#asked.delete(origin.id)
  }
}

function notCloneable(what: string, cause: unknown): ErrorRecord {
  return new KaitianError(
    'MESSAGE_NOT_CLONEABLE',
    `${what} cannot cross to the asker's thread or process; use plain data, typed arrays, shared buffers and refs`,
    { cause },
  ).toRecord()
}
