import { KaitianError } from '@kaitian/errors'

/** queued → packing → packed or failed; any of them → dropped. */
type Phase = 'queued' | 'packing' | 'packed' | 'failed' | 'dropped'

/** One shard of one epoch on its way through a feed. */
export class FeedEntry {
  readonly epoch: number
  readonly shard: number
  /** Settles with the packing; rejects when the entry is dropped before. */
  readonly packed: Promise<void>
  /** Takes that have it or wait for it; a release ends them all. */
  takes = 0
  #phase: Phase = 'queued'
  #slot = -1
  #resolve!: () => void
  #reject!: (error: KaitianError) => void

  constructor(epoch: number, shard: number) {
    this.epoch = epoch
    this.shard = shard
    this.packed = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Nobody may be waiting for a shard that is only prefetched.
    this.packed.catch(() => {})
  }

  get held(): boolean {
    return this.takes > 0
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Its place in the ring, once it is being packed. */
  get slot(): number {
    return this.#slot
  }

  start(slot: number): void {
    this.#phase = 'packing'
    this.#slot = slot
  }

  settle(error?: KaitianError): void {
    this.#phase = error === undefined ? 'packed' : 'failed'
    if (error === undefined) this.#resolve()
    else this.#reject(error)
  }

  drop(how: string): void {
    this.#phase = 'dropped'
    this.takes = 0
    const { epoch, shard } = this
    const sentence = `Shard ${shard} of epoch ${epoch} was ${how} before it was packed; take it again.`
    this.#reject(new KaitianError('CANCELLED', sentence, { fields: { epoch, shard } }))
  }
}
