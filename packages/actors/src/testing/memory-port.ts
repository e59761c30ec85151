import type { TransferListItem } from 'node:worker_threads'
import { deferred } from '../deferred.js'
import type { Port } from '../transport/port.js'
import type { SeededTurns } from './seeded-turns.js'

/**
 * One end of a connection within one thread, with the manners of a real one: what is posted is
 * cloned at once and arrives later, in order; a close comes after what was posted before it.
 */
export class MemoryPort implements Port {
  readonly #turns: SeededTurns
  readonly #discard: (end: unknown) => void
  #peer: MemoryPort | undefined
  readonly #inbox: { message: unknown; ends: readonly unknown[] }[] = []
  #listener: ((message: unknown) => void) | undefined
  #onClose: (() => void) | undefined
  #closed = false
  /** Its owner has been told that it is closed. */
  #told = false
  /** The peer has closed; when the inbox is empty, this end closes too. */
  #ending = false
  #scheduled = false
  /** Its thread does not hear any more. */
  #frozen = false
  readonly #gone = deferred<void>()

  /**
   * @param turns decide when what was posted arrives; not those of a thread, which may die
   * @param discard closes an end of a port that was posted and will not arrive
   */
  constructor(turns: SeededTurns, discard: (end: unknown) => void) {
    this.#turns = turns
    this.#discard = discard
  }

  static pair(turns: SeededTurns, discard: (end: unknown) => void): [MemoryPort, MemoryPort] {
    const one = new MemoryPort(turns, discard)
    const other = new MemoryPort(turns, discard)
    one.#peer = other
    other.#peer = one
    return [one, other]
  }

  /** Resolves when this end has closed and its owner knows: all that was posted to it has arrived. */
  get gone(): Promise<void> {
    return this.#gone.promise
  }

  post(message: unknown, transfer: readonly TransferListItem[] = []): void {
    const buffers = transfer.filter((item) => item instanceof ArrayBuffer)
    const ends = transfer.filter((item) => !buffers.includes(item as ArrayBuffer))
    const copy: unknown = structuredClone(message, { transfer: buffers })
    const peer = this.#peer
    if (this.#closed || peer === undefined || peer.#closed) return ends.forEach(this.#discard)
    peer.#inbox.push({ message: copy, ends })
    peer.#schedule()
  }

  receive(listener: (message: unknown) => void): void {
    this.#listener = listener
    this.#schedule()
  }

  onClose(listener: () => void): void {
    this.#onClose = listener
    if (this.#told) this.#turns.soon(listener)
  }

  /** Nothing that comes is heard any more. */
  freeze(): void {
    this.#frozen = true
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const { ends } of this.#inbox.splice(0)) ends.forEach(this.#discard)
    this.#turns.soon(() => {
      this.#told = true
      if (!this.#frozen) this.#onClose?.()
      this.#gone.resolve()
    })
    const peer = this.#peer
    if (peer === undefined || peer.#closed) return
    peer.#ending = true
    peer.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed || this.#frozen) return
    const hasWork = this.#listener !== undefined && this.#inbox.length > 0
    if (!hasWork && !(this.#ending && this.#inbox.length === 0)) return
    this.#scheduled = true
    this.#turns.soon(() => {
      this.#scheduled = false
      if (this.#closed || this.#frozen) return
      const first = this.#listener === undefined ? undefined : this.#inbox.shift()
      if (first !== undefined) this.#listener?.(first.message)
      else if (this.#ending) this.close()
      this.#schedule()
    })
  }
}
