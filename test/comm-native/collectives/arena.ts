import type { Data, DType } from '@kaitian/comm-native'
import { viewOf, widthOf } from './elements.js'

/** On both sides of a buffer; must come out as it went in. */
const GUARD_BYTES = 64
/** What a buffer holds that nothing was written to. */
const POISON = 0xa5

/**
 * Memory that a rank uses again and again: made once, it costs the cases nothing. Views start
 * a few elements beside a vector's boundary.
 */
export class Arena {
  readonly #shared: boolean
  #buffer: ArrayBufferLike = new ArrayBuffer(0)
  #guards: Uint8Array[] = []

  constructor(memory: 'shared' | 'plain') {
    this.#shared = memory === 'shared'
  }

  /** Poisoned; what was taken before is void. */
  take(dtype: DType, length: number, shift: number): Data {
    const from = GUARD_BYTES + shift * widthOf(dtype)
    const bytes = length * widthOf(dtype)
    const needed = from + bytes + GUARD_BYTES
    if (needed > this.#buffer.byteLength) {
      const room = Math.max(needed, 4096)
      this.#buffer = this.#shared ? new SharedArrayBuffer(room) : new ArrayBuffer(room)
    }
    new Uint8Array(this.#buffer, 0, needed).fill(POISON)
    const guards = [0, from + bytes]
    this.#guards = guards.map((start) => new Uint8Array(this.#buffer, start, GUARD_BYTES))
    return viewOf(dtype, this.#buffer, from, length)
  }

  /** Whether nothing was written beside the view. */
  intact(): boolean {
    return this.#guards.every((guard) => guard.every((byte) => byte === POISON))
  }

  /** Lets large memory go. */
  trim(most: number): void {
    if (this.#buffer.byteLength <= most) return
    this.#buffer = new ArrayBuffer(0)
    this.#guards = []
  }
}
