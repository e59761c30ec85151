import type { ErrorRecord } from '@kaitian/errors'
import type { DeadLetterReason } from '../api/events.js'
import type { Trace } from '../api/ref.js'
import { Cell } from '../actor/cell.js'
import { endFromRecord, errorFromRecord } from '../supervision/failure.js'
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

/** Takes the peer's posts apart, and acts on each frame. */
export class Reader {
  readonly #link: Link
  readonly #tells = new Map<number, InboundTells>()
  #post: Post = []
  #at = 0

  constructor(link: Link) {
    this.#link = link
  }

  read(post: Post): void {
    this.#post = post
    this.#at = 0
    while (this.#at < this.#post.length) this.#frame(this.#next() as number)
  }

  /** Another incarnation of the peer begins. */
  forget(): void {
    this.#tells.clear()
    this.#post = []
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
    const link = this.#link
    const { answers } = link
    switch (op & opcode) {
      case Op.tell:
        return this.#tell(op)
      case Op.ask: {
        const origin = new InboundAsk(answers, answers.epoch, this.#number())
        return this.#ask(op, origin)
      }
      case Op.flow: {
        const origin = new InboundFlow(answers, answers.epoch, this.#number(), 0)
        return this.#ask(op, origin)
      }
      case Op.reply: {
        const id = this.#number()
        const value = this.#value(op)
        return link.asks.take(id)?.handled(value)
      }
      case Op.refused: {
        const id = this.#number()
        const error = errorFromRecord(this.#next() as ErrorRecord)
        return link.asks.take(id)?.refused(error)
      }
      case Op.dead: {
        const id = this.#number()
        const reason = this.#next() as DeadLetterReason
        const error = this.#next() as ErrorRecord | undefined
        const asker = link.asks.take(id)
        if (error !== undefined) return asker?.deadWith(reason, errorFromRecord(error))
        return asker?.dead(reason, 0, asker.to)
      }
      default:
        return this.#rarer(op)
    }
  }

  #rarer(op: number): void {
    const link = this.#link
    switch (op & opcode) {
      case Op.handled:
        return this.#handled(this.#number(), this.#number(), this.#number())
      case Op.deadTell:
        return this.#deadTell(this.#number(), this.#number(), this.#next() as DeadLetterReason)
      case Op.cancel:
        return link.answers.find(this.#number())?.cancel()
      case Op.item: {
        const id = this.#number()
        const value = this.#value(op)
        const asker = link.asks.find(id)
        return asker?.kind === 'flow' ? asker.item(value) : undefined
      }
      case Op.credit: {
        const origin = link.answers.find(this.#number())
        const count = this.#number()
        return origin instanceof InboundFlow ? origin.grant(count) : undefined
      }
      case Op.watch:
        return this.#watch(this.#number())
      case Op.down: {
        const id = this.#number()
        return link.targets.known(id)?.down(endFromRecord(this.#next() as EndRecord))
      }
      case Op.tree:
        return link.site.tree.receive(this.#next() as TreeFrame, link)
    }
  }

  #tell(op: number): void {
    const to = this.#number()
    const index = this.#number()
    const payload = this.#value(op)
    const trace = this.#trace(op)
    const { answers } = this.#link
    const cell = this.#cell(to)
    let origin = this.#tells.get(to)
    if (origin === undefined) {
      origin = new InboundTells(answers, answers.epoch, to, cell?.capacity ?? 1)
      // Also for one that is gone: its ref may go on being told things.
      this.#tells.set(to, origin)
      cell?.child.onGone(() => this.#tells.delete(to))
    }
    if (cell === undefined) origin.dead('stopped', index)
    else cell.deliver(index, payload, origin, trace)
  }

  #ask(op: number, origin: InboundAsk): void {
    const to = this.#number()
    const index = this.#number()
    const payload = this.#value(op)
    if (origin instanceof InboundFlow) origin.credit = this.#number()
    const trace = this.#trace(op)
    this.#link.answers.note(origin)
    this.#deliver(to, index, payload, origin, trace)
  }

  #trace(op: number): Trace | undefined {
    return (op & withTrace) === 0 ? undefined : (this.#next() as Trace)
  }

  #deliver(
    to: number,
    index: number,
    payload: unknown,
    origin: InboundAsk,
    trace: Trace | undefined,
  ): void {
    const cell = this.#cell(to)
    if (cell === undefined) this.#link.answers.absent(origin)
    else cell.deliver(index, payload, origin, trace)
  }

  /** Also one that is gone: while its refs are held, it refuses messages itself. */
  #cell(id: number): Cell | undefined {
    const known = this.#link.site.nursery.known(id)
    return known instanceof Cell ? known : undefined
  }

  #handled(to: number, index: number, count: number): void {
    this.#link.book.handled += count
    this.#link.targets.known(to)?.arrivedTells(index, count)
  }

  #deadTell(to: number, index: number, reason: DeadLetterReason): void {
    const target = this.#link.targets.known(to)
    if (target === undefined) return
    target.arrivedTells(index, 1)
    target.bounce(index, undefined, reason)
  }

  #watch(to: number): void {
    const { answers } = this.#link
    const { epoch } = answers
    const cell = this.#cell(to)
    if (cell === undefined) answers.down(epoch, to, { reason: 'stopped' })
    else cell.watch((end) => answers.down(epoch, to, end))
  }
}
