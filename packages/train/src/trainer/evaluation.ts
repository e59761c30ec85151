import type { ShardFeed } from '../data/feed.js'
import type { CrewDevice } from './crew.js'
import { addTally, emptyTally, type Tally } from './tally.js'

/**
 * Evaluates over the whole test set. Each device pulls the next part when it
 * has finished one, so fast devices do more; a part whose device died goes to
 * another. Parts are added in their order, so the sums do not depend on who
 * computed them. Undefined when no device was left to finish.
 */
export async function evaluate(
  devices: readonly CrewDevice[],
  feed: ShardFeed,
  timeoutMs: number,
): Promise<Tally | undefined> {
  const waiting = Array.from({ length: feed.shards }, (_, part) => part).toReversed()
  const results: (Tally | undefined)[] = []
  const work = async ({ ref }: CrewDevice): Promise<void> => {
    for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
      const slots = await feed.take(0, part, 1)
      const ahead = waiting.at(-1)
      if (ahead !== undefined) feed.prefetch(0, ahead, 1)
      try {
        results[part] = await ref.ask.evaluate({ slots }, { timeoutMs })
      } catch {
        waiting.push(part)
        return
      } finally {
        feed.release(0, part, 1)
      }
    }
  }
  await Promise.all(devices.map(work))
  if (waiting.length > 0) return undefined
  return results.reduce<Tally>((sum, part) => addTally(sum, part!), emptyTally)
}
