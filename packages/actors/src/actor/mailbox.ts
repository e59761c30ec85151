/** A queue in a ring that grows by doubling: push and shift without moving the rest. */
class Ring<T> {
  #slots: (T | undefined)[] = Array.from({ length: 16 })
  #head = 0
  size = 0

  push(item: T): void {
    if (this.size === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.size++) & (this.#slots.length - 1)] = item
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.size--
    return item
  }

  #grow(): void {
    const rest = this.#slots.splice(0, this.#head)
    this.#slots.push(...rest)
    this.#slots.length *= 2
    this.#head = 0
  }
}

/**
 * Two lanes (A6). The users' lane is bounded; the system's is not, and goes first, so that a
 * full mailbox can still be stopped and still hears of deaths.
 */
export class Mailbox<Message, Notice> {
  readonly capacity: number
  readonly #messages = new Ring<Message>()
  readonly #notices = new Ring<Notice>()

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get idle(): boolean {
    return this.#messages.size === 0 && this.#notices.size === 0
  }

  /** False when full. */
  offer(message: Message): boolean {
    if (this.#messages.size >= this.capacity) return false
    this.#messages.push(message)
    return true
  }

  takeMessage(): Message | undefined {
    return this.#messages.shift()
  }

  notify(notice: Notice): void {
    this.#notices.push(notice)
  }

  takeNotice(): Notice | undefined {
    return this.#notices.shift()
  }
}
