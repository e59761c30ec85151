/**
 * Who lies in which slot. Slots are given out in ring order, so that what is
 * placed one after the other lies side by side.
 */
export class SlotRing<Owner> {
  readonly #owners: (Owner | undefined)[]
  #next = 0

  constructor(slots: number) {
    this.#owners = Array.from({ length: slots }, () => undefined)
  }

  /** The first free slot at or after the one last given out, now the owner's; undefined when all are taken. */
  place(owner: Owner): number | undefined {
    const size = this.#owners.length
    for (let step = 0; step < size; step++) {
      const slot = (this.#next + step) % size
      if (this.#owners[slot] !== undefined) continue
      this.#owners[slot] = owner
      this.#next = (slot + 1) % size
      return slot
    }
    return undefined
  }

  free(slot: number): void {
    this.#owners[slot] = undefined
  }

  /** The owner nearest behind the slot to be given out next that `wanted` accepts: as a rule the latest. */
  latest(wanted: (owner: Owner) => boolean): Owner | undefined {
    const size = this.#owners.length
    for (let step = 1; step <= size; step++) {
      const owner = this.#owners[(this.#next + size - step) % size]
      if (owner !== undefined && wanted(owner)) return owner
    }
    return undefined
  }
}
