import type { ErrorRecord, KaitianError } from '@kaitian/errors'
import type { DeadLetterReason } from '../api/events.js'
import type { Trace } from '../api/ref.js'
import { Cell } from '../actor/cell.js'
import { deadLetterReason, endFromRecord, errorFromRecord } from '../supervision/failure.js'
import type { Answers } from './answers.js'
import type { Asks } from './asks.js'
import type { Connection } from './connection.js'
import { InboundAsk, InboundFlow, InboundTells } from './inbound.js'
import type { Link } from './link.js'
import { unpackValue } from './parcel.js'
import {
  Op,
  opcode,
  withRefs,
  withTrace,
  type EndRecord,
  type Post,
  type TreeFrame,
} from './wire.js'

/** Takes the posts of one incarnation of the peer apart, and acts on each frame. */
export class Reader {
  readonly #link: Link
  readonly #asks: Asks
  readonly #answers: Answers
  readonly #tells = new Map<number, InboundTells>()
  /** What takes back the watch of an actor here, by its number. */
  readonly #watches = new Map<number, () => void>()
  #post: Post = []
  #at = 0

  constructor(link: Link, { asks, answers }: Connection) {
    this.#link = link
    this.#asks = asks
    this.#answers = answers
  }

  read(post: Post): void {
    this.#post = post
    this.#at = 0
    while (this.#at < this.#post.length) this.#frame(this.#next() as number)
  }

  /** The peer has ended, maybe in the midst of a post: nothing here waits for it any more. */
  end(): void {
    this.#post = []
    for (const tells of this.#tells.values()) tells.forget?.()
    this.#tells.clear()
    for (const unwatch of this.#watches.values()) unwatch()
    this.#watches.clear()
  }

  #next(): unknown {
    return this.#post[this.#at++]
  }

  #number(): number {
    return this.#post[this.#at++] as number
  }

  #value(op: number): unknown {
    const value = this.#next()
    return (op & withRefs) === 0 ? value : unpackValue(value, this.#link.site.open, new Set())
  }

  #frame(op: number): void {
    switch (op & opcode) {
      case Op.tell:
        return this.#tell(op)
      case Op.ask:
        return this.#ask(op, new InboundAsk(this.#answers, this.#number()))
      case Op.flow:
        return this.#ask(op, new InboundFlow(this.#answers, this.#number(), 0))
      case Op.reply: {
        const id = this.#number()
        const value = this.#value(op)
        return this.#asks.take(id)?.handled(value)
      }
      case Op.refused: {
        const id = this.#number()
        const error = errorFromRecord(this.#next() as ErrorRecord)
        return this.#asks.take(id)?.refused(error)
      }
      case Op.dead: {
        const id = this.#number()
        const reason = this.#next() as DeadLetterReason
        const error = this.#next() as ErrorRecord | undefined
        const asker = this.#asks.take(id)
        if (error !== undefined) return asker?.deadWith(reason, errorFromRecord(error))
        return asker?.dead(reason, 0, asker.to)
      }
      default:
        return this.#rarer(op)
    }
  }

  #rarer(op: number): void {
    switch (op & opcode) {
      case Op.handled:
        return this.#handled(this.#number(), this.#number(), this.#number())
      case Op.deadTell:
        return this.#deadTell(this.#number(), this.#number(), this.#next() as DeadLetterReason)
      case Op.cancel:
        return this.#answers.find(this.#number())?.cancel()
      case Op.item: {
        const id = this.#number()
        const value = this.#value(op)
        const asker = this.#asks.find(id)
        return asker?.kind === 'flow' ? asker.item(value) : undefined
      }
      case Op.credit: {
        const origin = this.#answers.find(this.#number())
        const count = this.#number()
        return origin instanceof InboundFlow ? origin.grant(count) : undefined
      }
      case Op.arrived:
        return this.#asks.arrived(this.#number())
      case Op.room:
        return this.#room(new InboundAsk(this.#answers, this.#number()), this.#number())
      case Op.watch:
        return this.#watch(this.#number())
      case Op.unwatch:
        return this.#unwatch(this.#number())
      case Op.down: {
        const target = this.#link.targets.awaited(this.#number())
        const end = endFromRecord(this.#next() as EndRecord)
        return target?.down(end)
      }
      case Op.tree:
        return this.#link.site.tree.receive(this.#next() as TreeFrame, this.#link)
    }
  }

  #tell(op: number): void {
    const to = this.#number()
    const index = this.#number()
    const payload = this.#value(op)
    const trace = this.#trace(op)
    const cell = this.#cell(to)
    if (cell === undefined) return this.#answers.deadTell(to, index, this.#reasonOf(to))
    const origin = this.#tells.get(to) ?? this.#originOfTells(cell)
    cell.deliver(index, payload, origin, trace)
  }

  #originOfTells(cell: Cell): InboundTells {
    const { id } = cell
    const origin = new InboundTells(this.#answers, id, cell.capacity)
    this.#tells.set(id, origin)
    origin.forget = cell.child.onGone(() => this.#tells.delete(id))
    return origin
  }

  #ask(op: number, origin: InboundAsk): void {
    const to = this.#number()
    const index = this.#number()
    const payload = this.#value(op)
    if (origin instanceof InboundFlow) origin.credit = this.#number()
    const trace = this.#trace(op)
    this.#answers.note(origin)
    const cell = this.#cell(to)
    if (cell === undefined) this.#answers.absent(origin, this.#reasonOf(to))
    else cell.deliver(index, payload, origin, trace)
  }

  #trace(op: number): Trace | undefined {
    return (op & withTrace) === 0 ? undefined : (this.#next() as Trace)
  }

  /** Also one that is gone: while its refs are held, it refuses messages itself. */
  #cell(id: number): Cell | undefined {
    const known = this.#link.site.nursery.known(id)
    return known instanceof Cell ? known : undefined
  }

  /** One that is gone, and whose refs nobody here holds. */
  #reasonOf(id: number): DeadLetterReason {
    return deadLetterReason(this.#link.site.nursery.endOf(id))
  }

  #handled(to: number, index: number, count: number): void {
    const target = this.#link.targets.awaited(to)
    if (target === undefined) return
    this.#link.book.handled += count
    target.handled(index, count)
  }

  #deadTell(to: number, index: number, reason: DeadLetterReason): void {
    const target = this.#link.targets.awaited(to)
    if (target === undefined) return
    target.arrivedTells(index, 1)
    target.bounce(index, undefined, reason)
  }

  #room(origin: InboundAsk, to: number): void {
    this.#answers.note(origin)
    const cell = this.#cell(to)
    if (cell === undefined) return this.#answers.absent(origin, this.#reasonOf(to))
    cell.room().then(
      () => origin.handled(undefined),
      (error: KaitianError) => origin.refused(error),
    )
  }

  #watch(to: number): void {
    const { nursery } = this.#link.site
    const cell = this.#cell(to)
    if (cell === undefined) return this.#answers.down(to, nursery.endOf(to))
    this.#unwatch(to)
    const unwatch = cell.watch((end) => {
      this.#watches.delete(to)
      this.#answers.down(to, end)
    })
    this.#watches.set(to, unwatch)
  }

  #unwatch(to: number): void {
    this.#watches.get(to)?.()
    this.#watches.delete(to)
  }
}
