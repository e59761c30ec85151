/**
 * Keeps the event loop running while operations are outstanding: a pending
 * Atomics.waitAsync alone does not, Node.js would exit under it. A message
 * port is the one handle with ref and unref that needs no timer.
 */
export class KeepAlive {
  readonly #port = new MessageChannel().port1
  #holders = 0

  constructor() {
    this.#port.unref()
  }

  hold(): void {
    if (this.#holders++ === 0) this.#port.ref()
  }

  release(): void {
    if (--this.#holders === 0) this.#port.unref()
  }

  close(): void {
    this.#port.close()
  }
}
