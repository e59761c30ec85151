/**
 * Where a port's messages go. The platform may hand over more after a close: Node.js goes on with
 * the batch that it is in the midst of. Here that ends (see `Port.close`), for every kind of port.
 */
export class Inlet {
  #listener: ((message: unknown) => void) | undefined
  #open = true

  /** Somebody listens. */
  get attended(): boolean {
    return this.#listener !== undefined
  }

  attend(listener: (message: unknown) => void): void {
    this.#listener = listener
  }

  /** False when nobody takes it any more. */
  deliver(message: unknown): boolean {
    if (!this.#open) return false
    this.#listener?.(message)
    return true
  }

  close(): void {
    this.#open = false
  }
}
