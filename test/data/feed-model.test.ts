import type { ShardFeed, ShardSlot } from '@kaitian/train/data'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { contents, open, take } from './feed-fixture.js'
import { turn, type ManualPool } from './manual-pool.js'

const test = suite('data/feed-model')

/** One thing that a trainer, or a thread of the pool, may do next. */
interface Operation {
  readonly kind: 'prefetch' | 'take' | 'release' | 'pack' | 'fail'
  readonly epoch: number
  readonly first: number
  readonly count: number
}

const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('prefetch', 'take', 'release', 'pack', 'pack', 'fail'),
    epoch: fc.integer({ min: 0, max: 1 }),
    first: fc.integer({ min: 0, max: 11 }),
    count: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 10, maxLength: 60 },
)

/** A trainer that writes down what it holds and looks at it after every operation. */
class Holder {
  readonly #feed: ShardFeed
  readonly #pool: ManualPool
  readonly #held = new Map<string, { slot: ShardSlot; bytes: string }>()

  constructor({ feed, pool }: { feed: ShardFeed; pool: ManualPool }) {
    this.#feed = feed
    this.#pool = pool
  }

  async apply({ kind, epoch, first, count }: Operation): Promise<void> {
    const waiting = this.#pool.pending.length
    if (kind === 'prefetch') this.#feed.prefetch(epoch, first, count)
    if (kind === 'take') void this.#take(epoch, first, count)
    if (kind === 'pack' && waiting > 0) await this.#pool.finish(first % waiting)
    if (kind === 'fail' && waiting > 0) await this.#pool.fail(new Error('planted'))
    if (kind === 'release') {
      for (let shard = first; shard < first + count; shard++) this.#held.delete(`${epoch}:${shard}`)
      this.#feed.release(epoch, first, count)
    }
    await turn()
  }

  check(): void {
    const owned = [...this.#held.values()].map(({ slot }) => slot.slot)
    const all = [...owned, ...this.#pool.writing]
    assert.is(new Set(all).size, all.length, `slots twice: ${all.join(' ')}`)
    for (const { slot, bytes } of this.#held.values()) {
      assert.is(contents(this.#feed, [slot]), bytes)
    }
  }

  async #take(epoch: number, first: number, count: number): Promise<void> {
    // No room, a planted failure or a release meanwhile: then nothing is held.
    const slots = await this.#feed.take(epoch, first, count).catch(() => [])
    for (const slot of slots) {
      this.#held.set(`${epoch}:${slot.shard}`, { slot, bytes: contents(this.#feed, [slot]) })
    }
  }
}

test('whatever is asked in whatever order, no held or half-written slot is given out', async () => {
  await fc.assert(
    fc.asyncProperty(operations, async (each) => {
      const opened = open({ slots: 4 })
      const holder = new Holder(opened)
      for (const operation of each) {
        await holder.apply(operation)
        holder.check()
      }
      await opened.pool.finishAll()
      for (const epoch of [0, 1]) opened.feed.release(epoch, 0, opened.feed.shards)
      assert.is((await take(opened, 2, 0, 4)).length, 4, 'every slot came back')
      await opened.feed.dispose()
    }),
    { seed: 33, numRuns: 200 },
  )
})

test.run()
