/** Objects by number, for as long as anybody else holds them. */
export class WeakIndex<T extends object> {
  readonly #refs = new Map<number, WeakRef<T>>()
  readonly #collected = new FinalizationRegistry<number>((id) => {
    // Another may have taken the number since.
    if (this.#refs.get(id)?.deref() === undefined) this.#refs.delete(id)
  })

  get(id: number): T | undefined {
    return this.#refs.get(id)?.deref()
  }

  set(id: number, item: T): void {
    this.#refs.set(id, new WeakRef(item))
    this.#collected.register(item, id)
  }
}
