import { openPool, type Pool } from '@kaitian/actors'
import { KaitianError, ownFile } from '@kaitian/errors'
import type { Augmentation } from './augment.js'
import type { Samples } from './dataset.js'
import { FeedEntry } from './feed-entry.js'
import { allocateLayout, type FeedLayout, type ShardSlot } from './layout.js'
import type { PackTask } from './pack.js'
import { permutation } from './permutation.js'
import { SlotRing } from './slot-ring.js'

export { batchOf, partOf, type FeedLayout, type ShardSlot } from './layout.js'

export interface FeedOptions {
  readonly samples: Samples
  readonly seed: number
  /** Shard m, samples. */
  readonly shardSize: number
  /** Shards the ring has room for: those of the step under way and those packed ahead. */
  readonly slots: number
  readonly augmentation?: Augmentation
  /** `sequential`: in the data set's order, the same in every epoch (for evaluation). Default: permuted. */
  readonly order?: 'permuted' | 'sequential'
  /** Packing threads; default: the pool's. */
  readonly threads?: number
  /** Instead of a pool of threads; disposed with the feed. */
  readonly pool?: PackPool
}

export type PackPool = Pick<Pool<PackTask, void>, 'run' | 'dispose'>

/** Samples per task of the pool: enough to outweigh a message, few enough to share out a step. */
const SAMPLES_PER_TASK = 64
/** The epoch under way and the one that is packed ahead. */
const ORDERS_KEPT = 2

/**
 * Packs shards ahead of need, on other threads, into a ring of slots in shared
 * memory. Shard k of epoch e is `permutation(seed, e, N)[k·m .. min((k+1)·m, N))`.
 *
 * A shard is held from `take` to `release`: its slot is not written in between,
 * and taking it again gives the same slot. A shard that was only prefetched
 * gives way to one that is taken.
 */
export class ShardFeed {
  readonly layout: FeedLayout
  /** Shards of an epoch. */
  readonly shards: number
  readonly #options: FeedOptions
  readonly #pool: PackPool
  readonly #ring: SlotRing<FeedEntry>
  readonly #entries = new Map<string, FeedEntry>()
  /** Not packed yet: those that a `take` waits for, and the others; first come, first packed. */
  readonly #wanted = new Set<FeedEntry>()
  readonly #ahead = new Set<FeedEntry>()
  readonly #orders = new Map<number, Uint32Array>()
  #held = 0
  #disposed = false

  constructor(options: FeedOptions) {
    checkOptions(options)
    const { samples, shardSize, slots, threads } = options
    this.#options = options
    this.layout = allocateLayout(samples, shardSize, slots)
    this.shards = Math.ceil(samples.count / shardSize)
    this.#ring = new SlotRing(slots)
    this.#pool =
      options.pool ??
      openPool<PackTask, void>({
        module: ownFile('./data/pack-worker.js', import.meta.url),
        maxQueue: slots,
        ...(threads === undefined ? {} : { threads }),
      })
  }

  /** Samples of a shard; the last one may be short. */
  shardCount(shard: number): number {
    const { samples, shardSize } = this.#options
    return Math.min(shardSize, samples.count - shard * shardSize)
  }

  /** Packs these shards when there is room; never waits, never takes room from a held shard. */
  prefetch(epoch: number, first: number, count: number): void {
    this.#checkRange(first, count)
    for (let shard = first; shard < first + count; shard++) this.#entry(epoch, shard)
    this.#pump()
  }

  /** Whether all of these lie there, so that nobody who takes them waits. */
  isPacked(epoch: number, first: number, count: number): boolean {
    for (let shard = first; shard < first + count; shard++) {
      if (this.#entries.get(keyOf(epoch, shard))?.phase !== 'packed') return false
    }
    return true
  }

  /**
   * Resolves when these shards are packed, and holds them. When one cannot be
   * packed it rejects and holds none that were not held before.
   *
   * @throws KaitianError BAD_ARGUMENT when the ring has no room beside the
   *   shards already held; CANCELLED when released or disposed meanwhile
   */
  async take(epoch: number, first: number, count: number): Promise<ShardSlot[]> {
    this.#checkRange(first, count)
    const shards = Array.from({ length: count }, (_, i) => first + i)
    this.#checkRoom(shards.filter((shard) => !this.#isHeld(epoch, shard)).length)
    const entries = shards.map((shard) => this.#entry(epoch, shard))
    for (const entry of entries) this.#hold(entry)
    this.#pump()
    try {
      await Promise.all(entries.map(({ packed }) => packed))
    } catch (error) {
      for (const entry of entries) this.#unhold(entry)
      throw error
    }
    return entries.map(({ shard, slot }) => ({ shard, slot, count: this.shardCount(shard) }))
  }

  /** Gives the slots of these shards back, whoever took them; shards that are not there are passed over. */
  release(epoch: number, first: number, count: number): void {
    for (let shard = first; shard < first + count; shard++) {
      const entry = this.#entries.get(keyOf(epoch, shard))
      if (entry !== undefined) this.#drop(entry, 'released')
    }
    this.#pump()
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    for (const entry of this.#entries.values()) this.#drop(entry, 'disposed with its feed')
    await this.#pool.dispose()
  }

  /** The shard's entry, made and queued when there is none. */
  #entry(epoch: number, shard: number): FeedEntry {
    const key = keyOf(epoch, shard)
    const known = this.#entries.get(key)
    if (known !== undefined) return known
    const entry = new FeedEntry(epoch, shard)
    this.#entries.set(key, entry)
    this.#ahead.add(entry)
    return entry
  }

  #isHeld(epoch: number, shard: number): boolean {
    return this.#entries.get(keyOf(epoch, shard))?.held ?? false
  }

  #hold(entry: FeedEntry): void {
    if (!entry.held) this.#held++
    entry.takes++
    if (this.#ahead.delete(entry)) this.#wanted.add(entry)
  }

  /** After a failed take: what is packed may stay as if prefetched, what failed may be tried again. */
  #unhold(entry: FeedEntry): void {
    if (entry.phase === 'dropped') return
    entry.takes--
    if (entry.held) return
    this.#held--
    if (this.#wanted.delete(entry)) this.#ahead.add(entry)
    if (entry.phase === 'failed') this.#entries.delete(keyOf(entry.epoch, entry.shard))
  }

  #drop(entry: FeedEntry, how: string): void {
    this.#entries.delete(keyOf(entry.epoch, entry.shard))
    this.#wanted.delete(entry)
    this.#ahead.delete(entry)
    if (entry.held) this.#held--
    if (entry.phase === 'packed') this.#ring.free(entry.slot)
    // A thread still writes to the slot of one being packed: `#settle` frees it.
    entry.drop(how)
  }

  /** Starts whatever there is room for, wanted shards first. */
  #pump(): void {
    if (this.#disposed) return
    const starting: FeedEntry[] = []
    for (const queue of [this.#wanted, this.#ahead]) {
      for (const entry of queue) {
        const slot = this.#ring.place(entry) ?? (entry.held ? this.#evictFor(entry) : undefined)
        if (slot === undefined) break
        queue.delete(entry)
        entry.start(slot)
        starting.push(entry)
      }
    }
    const perTask = Math.max(1, Math.floor(SAMPLES_PER_TASK / this.#options.shardSize))
    for (let at = 0; at < starting.length; at += perTask) {
      void this.#pack(starting.slice(at, at + perTask))
    }
  }

  /** Room in place of a packed shard that nobody has taken; that one queues again, at the end. */
  #evictFor(entry: FeedEntry): number | undefined {
    const victim = this.#ring.latest(({ phase, held }) => phase === 'packed' && !held)
    if (victim === undefined) return undefined
    this.#drop(victim, 'evicted')
    this.#entry(victim.epoch, victim.shard)
    return this.#ring.place(entry)
  }

  async #pack(entries: readonly FeedEntry[]): Promise<void> {
    try {
      await this.#pool.run(this.#taskOf(entries))
      for (const entry of entries) this.#settle(entry)
    } catch (cause) {
      for (const entry of entries) this.#settle(entry, packFailure(entry, cause))
    }
    this.#pump()
  }

  #taskOf(entries: readonly FeedEntry[]): PackTask {
    const { samples, seed, augmentation } = this.#options
    const shards = entries.map(({ epoch, shard, slot }) => {
      return { slot, epoch, ids: this.#ids(epoch, shard) }
    })
    const task = { samples, layout: this.layout, seed, shards }
    return augmentation === undefined ? task : { ...task, augmentation }
  }

  /** Only here does a thread let go of a slot: what was dropped meanwhile, or failed, is freed now. */
  #settle(entry: FeedEntry, error?: KaitianError): void {
    if (entry.phase === 'dropped' || error !== undefined) this.#ring.free(entry.slot)
    if (entry.phase === 'packing') entry.settle(error)
  }

  /** A copy of the shard's ids, because a message to a thread carries the whole of a view's buffer. */
  #ids(epoch: number, shard: number): Uint32Array {
    const from = shard * this.#options.shardSize
    const count = this.shardCount(shard)
    if (this.#options.order === 'sequential')
      return Uint32Array.from({ length: count }, (_, i) => from + i)
    return this.#orderOf(epoch).slice(from, from + count)
  }

  #orderOf(epoch: number): Uint32Array {
    const known = this.#orders.get(epoch)
    if (known !== undefined) return known
    const order = permutation(this.#options.seed, epoch, this.#options.samples.count)
    this.#orders.set(epoch, order)
    const [oldest] = this.#orders.keys()
    if (this.#orders.size > ORDERS_KEPT) this.#orders.delete(oldest)
    return order
  }

  #checkRange(first: number, count: number): void {
    if (this.#disposed) throw new KaitianError('CANCELLED', 'The feed is disposed; open a new one.')
    if (first >= 0 && count >= 0 && first + count <= this.shards) return
    throw new KaitianError(
      'BAD_ARGUMENT',
      `Shards ${first} to ${first + count - 1} are asked for, and an epoch has ${this.shards}.`,
      { fields: { first, count, shards: this.shards } },
    )
  }

  /** Waiting for a release instead could wait for ever: the caller may be the one to release. */
  #checkRoom(wanted: number): void {
    const { slots } = this.#options
    if (this.#held + wanted <= slots) return
    throw new KaitianError(
      'BAD_ARGUMENT',
      `${wanted} shards are taken beside ${this.#held} held ones, and the ring has ${slots} slots; ` +
        'release first, or open the feed with more slots.',
      { fields: { wanted, held: this.#held, slots } },
    )
  }
}

/** Says which shard; the code stays that of what went wrong. */
function packFailure({ epoch, shard }: FeedEntry, cause: unknown): KaitianError {
  const code = cause instanceof KaitianError ? cause.code : 'INTERNAL'
  const why = cause instanceof Error ? cause.message : String(cause)
  const sentence = `Shard ${shard} of epoch ${epoch} could not be packed: ${why}`
  return new KaitianError(code, sentence, { cause, fields: { epoch, shard } })
}

function keyOf(epoch: number, shard: number): string {
  return `${epoch}:${shard}`
}

function checkOptions({ shardSize, slots, augmentation }: FeedOptions): void {
  const numbers = { shardSize, slots, crop: (augmentation?.crop ?? 0) + 1 }
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isSafeInteger(value) && value >= 1) continue
    const least = name === 'crop' ? 'at least 0' : 'at least 1'
    throw new KaitianError('BAD_ARGUMENT', `A feed's ${name} is a whole number, ${least}.`, {
      fields: { shardSize, slots, augmentation },
    })
  }
}
