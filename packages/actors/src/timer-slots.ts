/** A handle on one call to come. */
export interface Timer {
  /** No effect after the call. */
  cancel(): void
}

/**
 * A timer, and a link of the ring that it waits in. Rings begin with an entry
 * that is no timer. Its fields are open to this file: private ones cost a
 * third of what a timer costs.
 */
class Entry implements Timer {
  readonly owner: TimerSlots
  readonly due: number
  /** Undefined once called or cancelled. */
  fn: (() => void) | undefined
  next: Entry
  prev: Entry

  constructor(owner: TimerSlots, due: number, fn: (() => void) | undefined) {
    this.owner = owner
    this.due = due
    this.fn = fn
    this.next = this
    this.prev = this
  }

  cancel(): void {
    if (this.fn === undefined) return
    this.fn = undefined
    this.unlink()
    this.owner.onCancel(this.due)
  }

  unlink(): void {
    const { next, prev } = this
    next.prev = prev
    prev.next = next
    // Or a handle that somebody keeps would keep its neighbours, and they theirs.
    this.next = this
    this.prev = this
  }
}

/** The timers of one digit at one level, in order of creation. */
class Slot {
  readonly ring: Entry
  /** Due times rise along the ring, as they do when all asks have the same time limit. */
  sorted = true
  /** Unless sorted: none is due before this one, which may have ended. */
  first: Entry

  constructor(owner: TimerSlots) {
    this.ring = new Entry(owner, 0, undefined)
    this.first = this.ring
  }

  append(entry: Entry): void {
    const { ring } = this
    const last = ring.prev
    if (last === ring) this.sorted = true
    else if (this.sorted && entry.due < last.due) this.#unsort(entry)
    else if (!this.sorted && entry.due < this.first.due) this.first = entry
    entry.prev = last
    entry.next = ring
    last.next = entry
    ring.prev = entry
  }

  #unsort(entry: Entry): void {
    this.sorted = false
    const first = this.ring.next
    this.first = entry.due < first.due ? entry : first
  }

  /** O(1), but for a scan when the first was cancelled and the others are not sorted. */
  earliest(): Entry | undefined {
    const { ring } = this
    if (ring.next === ring) return undefined
    if (this.sorted) return ring.next
    if (this.first.fn === undefined) this.first = this.#scan()
    return this.first
  }

  #scan(): Entry {
    let first = this.ring.next
    for (let entry = first.next; entry !== this.ring; entry = entry.next) {
      if (entry.due < first.due) first = entry
    }
    return first
  }

  /** The oldest, out of its ring. */
  shift(): Entry | undefined {
    const entry = this.ring.next
    if (entry === this.ring) return undefined
    entry.unlink()
    return entry
  }

  /** Appends all of `other`, and leaves it empty. */
  takeAll(other: Slot): void {
    for (let entry = other.shift(); entry !== undefined; entry = other.shift()) this.append(entry)
  }
}

const bits = 5
const digits = 2 ** bits
const levels = 6
/** Ticks that the levels span; what is due later waits in one slot more. */
const span = 2 ** (bits * levels)
/** By the zeros before the highest bit; dividing took a tenth of a timer's cost. */
const levelOfZeros = Uint8Array.from({ length: 33 }, (_, zeros) =>
  Math.max(0, Math.floor((31 - zeros) / bits)),
)

/**
 * A set of timers by due tick: the hierarchical timing wheels of Varghese and
 * Lauck (scheme 7, doi:10.1145/41457.37504), a digit of the tick per level.
 * A timer waits at the highest level at which its tick differs from
 * `position`, so all slots lie ahead, the lowest occupied one holds the next
 * timer, and a timer moves down at most once per level.
 */
export class TimerSlots {
  size = 0
  /** The tick that `onWatchedCancel` is about. */
  watched = Infinity
  readonly #onWatchedCancel: () => void
  readonly #slots = Array.from({ length: digits * levels }, () => new Slot(this))
  readonly #far = new Slot(this)
  /** What `collect` took and `shift` has not given out. */
  readonly #collected = new Slot(this)
  /** A bit per slot of a level. Set for some that cancelling has emptied. */
  readonly #occupied = new Int32Array(levels)
  /** The position is their sum, kept apart because bit operations end at 32 bits. */
  #base = 0
  #low = 0

  constructor(onWatchedCancel: () => void) {
    this.#onWatchedCancel = onWatchedCancel
  }

  /** `due` is not below the position. */
  add(due: number, fn: () => void): Timer {
    const entry = new Entry(this, due, fn)
    this.#place(entry)
    this.size++
    return entry
  }

  onCancel(due: number): void {
    this.size--
    if (due === this.watched) this.#onWatchedCancel()
  }

  /** The next timer's tick; Infinity when there is none. */
  nextDue(): number {
    return this.#earliest()?.due ?? Infinity
  }

  /** Moves the position to `due`, which is the next timer's, and collects its timers for `shift`. */
  collect(due: number): void {
    this.moveTo(due)
    this.#collected.takeAll(this.#slots[this.#low & (digits - 1)])
  }

  /** The next collected timer's function; that timer has then ended. */
  shift(): (() => void) | undefined {
    const entry = this.#collected.shift()
    if (entry === undefined) return undefined
    const { fn } = entry
    entry.fn = undefined
    this.size--
    return fn
  }

  /** No timer is due before `tick`, and `tick` is not below the position. */
  moveTo(tick: number): void {
    if (tick - this.#base >= span) {
      this.#base = Math.floor(tick / span) * span
      this.#low = tick - this.#base
      return this.#replace(this.#far)
    }
    const low = (tick - this.#base) | 0
    const level = levelOf(low ^ this.#low)
    this.#low = low
    // The timers of that slot agree with the new position in this digit: they belong further down.
    if (level > 0) this.#replace(this.#slots[slotIndex(level, low)])
  }

  clear(): void {
    for (const slot of [this.#collected, ...this.#slots, this.#far]) {
      for (let entry = slot.shift(); entry !== undefined; entry = slot.shift()) entry.fn = undefined
    }
    this.size = 0
  }

  #place(entry: Entry): void {
    const offset = entry.due - this.#base
    if (offset >= span) return this.#far.append(entry)
    const low = offset | 0
    const level = levelOf(low ^ this.#low)
    const index = slotIndex(level, low)
    // A shift counts modulo 32, so this is the digit's bit.
    this.#occupied[level] |= 1 << index
    this.#slots[index].append(entry)
  }

  #replace(slot: Slot): void {
    const moving = new Slot(this)
    moving.takeAll(slot)
    for (let entry = moving.shift(); entry !== undefined; entry = moving.shift()) this.#place(entry)
  }

  #earliest(): Entry | undefined {
    const collected = this.#collected.earliest()
    if (collected !== undefined) return collected
    for (let level = 0; level < levels; level++) {
      for (let left = this.#occupied[level]; left !== 0; left &= left - 1) {
        const digit = 31 - Math.clz32(left & -left)
        const first = this.#slots[level * digits + digit].earliest()
        if (first !== undefined) return first
        this.#occupied[level] &= ~(1 << digit)
      }
    }
    return this.#far.earliest()
  }
}

/** The level of the highest digit in which two ticks differ. */
function levelOf(differing: number): number {
  return levelOfZeros[Math.clz32(differing)]
}

function slotIndex(level: number, low: number): number {
  return level * digits + ((low >>> (level * bits)) & (digits - 1))
}
