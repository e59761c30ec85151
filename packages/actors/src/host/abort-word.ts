/** A shared integer that becomes 1 when a thread is to end and may not hear it. */
export class AbortWord {
  readonly #word = new Int32Array(new SharedArrayBuffer(4))

  get buffer(): SharedArrayBuffer {
    return this.#word.buffer
  }

  /** False when it was set before. Native code may wait on the word as a futex, or poll it. */
  set(): boolean {
    if (Atomics.exchange(this.#word, 0, 1) === 1) return false
    Atomics.notify(this.#word, 0)
    return true
  }
}
