import type { Overflow } from '../api/context.js'
import type { Trace } from '../api/ref.js'

/** What happens to one more message. Pure. */
export type Admission = 'queue' | 'hold' | 'drop-oldest' | 'drop-newest' | 'reject'

export function admit(depth: number, capacity: number, overflow: Overflow): Admission {
  if (depth < capacity) return 'queue'
  switch (overflow) {
    case 'wait':
      return depth < 2 * capacity ? 'hold' : 'reject'
    case 'reject':
    case 'drop-oldest':
    case 'drop-newest':
      return overflow
  }
}

/** Slots of one message in the ring. */
const stride = 4
const fewest = 2 * stride

/**
 * The users' lane of an actor (A6): a ring of slots, four to a message, so that a message costs
 * no object. `take` moves the first one to the fields, where it stays while it is in hand.
 */
export class Mailbox<Origin> {
  /** The message in hand. */
  index = 0
  payload: unknown
  origin: Origin | undefined
  trace: Trace | undefined

  size = 0
  #slots: unknown[] = []
  #head = 0

  push(
    index: number,
    payload: unknown,
    origin: Origin | undefined,
    trace: Trace | undefined,
  ): void {
    if (this.size * stride === this.#slots.length) this.#grow()
    const slots = this.#slots
    this.#write(
      (this.#head + this.size * stride) & (slots.length - 1),
      index,
      payload,
      origin,
      trace,
    )
    this.size++
  }

  /** Before all others. */
  unshift(
    index: number,
    payload: unknown,
    origin: Origin | undefined,
    trace: Trace | undefined,
  ): void {
    if (this.size * stride === this.#slots.length) this.#grow()
    this.#head = (this.#head - stride + this.#slots.length) & (this.#slots.length - 1)
    this.#write(this.#head, index, payload, origin, trace)
    this.size++
  }

  /** The first one becomes the message in hand; false when there is none. */
  take(): boolean {
    if (this.size === 0) return false
    const slots = this.#slots
    const at = this.#head
    this.index = slots[at] as number
    this.payload = slots[at + 1]
    this.origin = slots[at + 2] as Origin | undefined
    this.trace = slots[at + 3] as Trace | undefined
    slots[at + 1] = undefined
    slots[at + 2] = undefined
    slots[at + 3] = undefined
    this.#head = (at + stride) & (slots.length - 1)
    this.size--
    return true
  }

  /** Of all that wait, in order. */
  origins(): (Origin | undefined)[] {
    return Array.from({ length: this.size }, (_, i) => {
      const at = (this.#head + i * stride) & (this.#slots.length - 1)
      return this.#slots[at + 2] as Origin | undefined
    })
  }

  /** Lets `take` others, while the message in hand stays in hand. */
  besideHand(take: () => void): void {
    const { index, payload, origin, trace } = this
    take()
    this.index = index
    this.payload = payload
    this.origin = origin
    this.trace = trace
  }

  /** Lets go of the message in hand, so that it can be collected. */
  release(): void {
    this.payload = undefined
    this.origin = undefined
    this.trace = undefined
  }

  #write(at: number, index: number, payload: unknown, origin: unknown, trace: unknown): void {
    const slots = this.#slots
    slots[at] = index
    slots[at + 1] = payload
    slots[at + 2] = origin
    slots[at + 3] = trace
  }

  /** Doubles, with the first message at the start: an index stays a mask away. */
  #grow(): void {
    const slots = this.#slots
    const length = Math.max(fewest, slots.length * 2)
    const grown = slots.slice(this.#head)
    for (let at = 0; at < this.#head; at++) grown.push(slots[at])
    while (grown.length < length) grown.push(undefined)
    this.#slots = grown
    this.#head = 0
  }
}
