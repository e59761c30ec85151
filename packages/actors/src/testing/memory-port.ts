import type { TransferListItem } from 'node:worker_threads'
import { deferred } from '../deferred.js'
import { Inlet } from '../transport/inlet.js'
import type { Port } from '../transport/port.js'
import type { SeededTurns } from './seeded-turns.js'

interface Posted {
  message: unknown
  ends: readonly unknown[]
}

/**
 * One end of a connection within one thread, with the manners of Node.js's: what is posted is
 * cloned at once and arrives later, in order and in batches; a close comes after what was posted
 * before it, and does not hold up the rest of the batch that was begun.
 */
export class MemoryPort implements Port {
  readonly #turns: SeededTurns
  readonly #discard: (end: unknown) => void
  #peer: MemoryPort | undefined
  readonly #inbox: Posted[] = []
  /** Taken out of the inbox, to be handed over one after the other. */
  #batch: Posted[] = []
  readonly #inlet = new Inlet()
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
    this.#inlet.attend(listener)
    this.#schedule()
  }

  onClose(listener: () => void): void {
    this.#onClose = listener
    if (this.#told) this.#turns.soon(listener)
  }

  /** Nothing that comes is heard any more. */
  freeze(): void {
    this.#frozen = true
    this.#drop(this.#batch.splice(0))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#inlet.close()
    this.#drop(this.#inbox.splice(0))
    this.#schedule()
    const peer = this.#peer
    if (peer === undefined || peer.#closed) return
    peer.#ending = true
    peer.#schedule()
  }

  get #hasWork(): boolean {
    if (this.#batch.length > 0 || (this.#closed && !this.#told)) return true
    if (this.#closed || this.#frozen) return false
    return this.#inbox.length > 0 ? this.#inlet.attended : this.#ending
  }

  #schedule(): void {
    if (this.#scheduled || !this.#hasWork) return
    this.#scheduled = true
    this.#turns.soon(() => {
      this.#scheduled = false
      try {
        if (this.#hasWork) this.#work()
      } finally {
        // Also when a listener throws: what is behind it is not lost with it.
        this.#schedule()
      }
    })
  }

  #work(): void {
    if (this.#batch.length === 0) {
      if (this.#closed) return this.#tell()
      if (this.#inbox.length === 0) return this.close()
      this.#batch = this.#inbox.splice(0)
    }
    const next = this.#batch.shift() as Posted
    if (!this.#inlet.deliver(next.message)) this.#drop([next])
  }

  /** To its owner: it is closed. */
  #tell(): void {
    this.#told = true
    if (!this.#frozen) this.#onClose?.()
    this.#gone.resolve()
  }

  #drop(posts: readonly Posted[]): void {
    for (const { ends } of posts) ends.forEach(this.#discard)
  }
}
