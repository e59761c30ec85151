import type { Clock } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import type { ShardFeed, ShardSlot } from './feed.js'

/**
 * Shards of a feed, once they are read and packed.
 *
 * @throws DEADLINE_EXCEEDED after `limitMs`, and then takes nothing; what packing throws
 */
export async function takeWithin(
  clock: Clock,
  limitMs: number,
  feed: ShardFeed,
  { epoch, first, count }: { epoch: number; first: number; count: number },
): Promise<ShardSlot[]> {
  if (feed.isPacked(epoch, first, count)) return await feed.take(epoch, first, count)
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(limitMs, () => {
      reject(
        new KaitianError(
          'DEADLINE_EXCEEDED',
          `The samples of shards ${first} to ${first + count - 1} were not read within ${limitMs} ms; ` +
            'check the disk or network that they come from, or raise the deadline.',
          { fields: { epoch, first, count, deadlineMs: limitMs } },
        ),
      )
    })
  })
  const taking = feed.take(epoch, first, count)
  try {
    return await Promise.race([taking, late])
  } catch (error) {
    // Nobody will release what comes after all.
    taking.then(
      () => feed.release(epoch, first, count),
      () => {},
    )
    throw error
  } finally {
    cancel()
  }
}
