/** Objects by key, for as long as anybody else holds them. */
export class WeakIndex<Key, T extends object> {
  readonly #refs = new Map<Key, WeakRef<T>>()

  get(key: Key): T | undefined {
    return this.#refs.get(key)?.deref()
  }

  set(key: Key, item: T): void {
    this.#refs.set(key, new WeakRef(item))
    collected.register(item, { refs: this.#refs, key })
  }
}

interface Entry {
  refs: Map<unknown, WeakRef<object>>
  key: unknown
}

/** One for all: most indexes are smaller than a registry. */
const collected = new FinalizationRegistry<Entry>(({ refs, key }) => {
  // Another may have taken the key since.
  if (refs.get(key)?.deref() === undefined) refs.delete(key)
})
