import type { Pointer, WasmHeap } from './heap.js'

/**
 * Buffers that return every step. A buffer is kept for the next request of the
 * same size; `trim` frees those that nobody asked for since the trim before,
 * so memory stays bounded by the sizes in use.
 */
export class Workspace {
  private readonly heap: WasmHeap
  private readonly idle = new Map<number, Pointer[]>()
  private readonly inUse = new Map<Pointer, number>()
  private readonly wanted = new Set<number>()

  constructor(heap: WasmHeap) {
    this.heap = heap
  }

  /** Buffers handed out and not given back. */
  get used(): number {
    return this.inUse.size
  }

  take(floats: number): Pointer {
    this.wanted.add(floats)
    const pointer = this.idle.get(floats)?.pop() ?? this.allocate(floats)
    this.inUse.set(pointer, floats)
    return pointer
  }

  /** What is kept for later is let go of before there is no room for now. */
  private allocate(floats: number): Pointer {
    try {
      return this.heap.allocate(floats)
    } catch (error) {
      if (!this.releaseIdle()) throw error
      return this.heap.allocate(floats)
    }
  }

  private releaseIdle(): boolean {
    const idle = [...this.idle.values()].flat()
    for (const pointer of idle) this.heap.release(pointer)
    this.idle.clear()
    return idle.length > 0
  }

  give(pointer: Pointer): void {
    const floats = this.inUse.get(pointer)
    if (floats === undefined) return
    this.inUse.delete(pointer)
    const idle = this.idle.get(floats)
    if (idle === undefined) this.idle.set(floats, [pointer])
    else idle.push(pointer)
  }

  giveAll(): void {
    for (const pointer of this.inUse.keys()) this.give(pointer)
  }

  /** To be called when the sizes change, with nothing in use. */
  trim(): void {
    for (const [floats, pointers] of this.idle) {
      if (this.wanted.has(floats)) continue
      for (const pointer of pointers) this.heap.release(pointer)
      this.idle.delete(floats)
    }
    this.wanted.clear()
  }

  dispose(): void {
    this.giveAll()
    this.wanted.clear()
    this.trim()
  }
}
