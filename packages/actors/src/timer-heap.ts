/** A call at a point of time; of two for the same point the one of lower order is first. */
export interface HeapTimer {
  readonly due: number
  readonly order: number
  readonly fn: () => void
  /** Its place in the heap; -1 when it is in none. */
  at: number
}

/**
 * A binary heap of timers that know their place, so that each can be taken out
 * in O(log n): dead ones left inside would pile up on a clock that stands still.
 */
export class TimerHeap {
  readonly #timers: HeapTimer[] = []

  get size(): number {
    return this.#timers.length
  }

  first(): HeapTimer | undefined {
    return this.#timers[0]
  }

  add(timer: HeapTimer): void {
    this.#rise(timer, this.#timers.length)
  }

  /** No effect when it has been taken out before. */
  delete(timer: HeapTimer): void {
    const { at } = timer
    if (at === -1) return
    timer.at = -1
    const last = this.#timers.pop() as HeapTimer
    if (last === timer) return
    if (at > 0 && isBefore(last, this.#timers[parentOf(at)])) this.#rise(last, at)
    else this.#sink(last, at)
  }

  #rise(timer: HeapTimer, hole: number): void {
    let at = hole
    for (let parent = parentOf(at); at > 0; parent = parentOf(at)) {
      const above = this.#timers[parent]
      if (!isBefore(timer, above)) break
      this.#put(above, at)
      at = parent
    }
    this.#put(timer, at)
  }

  #sink(timer: HeapTimer, hole: number): void {
    const timers = this.#timers
    let at = hole
    for (;;) {
      let child = 2 * at + 1
      if (child >= timers.length) break
      if (child + 1 < timers.length && isBefore(timers[child + 1], timers[child])) child++
      if (!isBefore(timers[child], timer)) break
      this.#put(timers[child], at)
      at = child
    }
    this.#put(timer, at)
  }

  #put(timer: HeapTimer, at: number): void {
    this.#timers[at] = timer
    timer.at = at
  }
}

function parentOf(at: number): number {
  return (at - 1) >> 1
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}
