/** Of all that was noted, the last so many, by key: a memory that does not grow. */
export class Recent<Key, T> {
  readonly #most: number
  readonly #entries = new Map<Key, T>()

  constructor(most: number) {
    this.#most = most
  }

  get(key: Key): T | undefined {
    return this.#entries.get(key)
  }

  note(key: Key, entry: T): void {
    const entries = this.#entries
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > this.#most) entries.delete(entries.keys().next().value as Key)
  }
}
