import type { BookEntry } from './book.js'
import { unavailable, type End } from '../supervision/failure.js'
import type { Target } from './handle.js'
import type { TellOutcome } from '../api/ref.js'
import type { Address } from '../site/wire.js'

/** An actor that ended before its ref arrived here. */
export class Departed implements Target {
  readonly address: Address

  constructor(address: Address) {
    this.address = address
  }

  accept(entry: BookEntry): TellOutcome {
    entry.dead('stopped', unavailable(this.address.path, 'stopped'))
    return 'rejected'
  }

  watch(callback: (end: End) => void): () => void {
    let watching = true
    queueMicrotask(() => {
      if (watching) callback({ reason: 'stopped' })
    })
    return () => {
      watching = false
    }
  }
}
