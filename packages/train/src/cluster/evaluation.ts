import type { Clock } from '@kaitian/actors'
import type { ShardFeed } from '../data/feed.js'
import { takeWithin } from '../data/take-within.js'
import { isGone } from './gone.js'
import type { Member } from './members.js'
import { addTally, emptyTally, type Tally } from './tally.js'

export interface EvaluationOptions {
  readonly devices: readonly Member[]
  readonly feed: ShardFeed
  readonly clock: Clock
  /** How long a device may take for so many samples. */
  readonly timeoutMs: (device: string, samples: number) => number
  /** How long a part of the test set may take to be read. */
  readonly readMs: number
  readonly signal: AbortSignal
  /** A device that could not evaluate its part, which goes to another. */
  readonly onLost: (device: string, cause: string) => void
}

/**
 * Evaluates over the whole test set. Each device pulls the next part when it
 * has finished one, so fast devices do more; the part of a device that died
 * goes to another. Parts are added in their order, so the sums do not depend
 * on who computed them. Undefined when it was aborted or no device is left.
 *
 * @throws what packing the test set throws, and what a device's engine does:
 *   another device would meet the same.
 */
export async function evaluate(options: EvaluationOptions): Promise<Tally | undefined> {
  const { devices, feed, signal } = options
  const waiting = Array.from({ length: feed.shards }, (_, part) => part).toReversed()
  const results: Tally[] = []
  let alive = devices
  while (waiting.length > 0 && alive.length > 0 && !signal.aborted) {
    const worked = await Promise.all(alive.map((device) => pull(device, waiting, results, options)))
    alive = alive.filter((_, index) => worked[index])
  }
  return waiting.length > 0 ? undefined : results.reduce(addTally, emptyTally)
}

/** Works until nothing waits; false when the device failed and its part was put back. */
async function pull(
  { name, ref }: Member,
  waiting: number[],
  results: Tally[],
  { feed, clock, timeoutMs, readMs, signal, onLost }: EvaluationOptions,
): Promise<boolean> {
  while (!signal.aborted) {
    const part = waiting.pop()
    if (part === undefined) return true
    const slots = await takeWithin(clock, readMs, feed, { epoch: 0, first: part, count: 1 })
    const ahead = waiting.at(-1)
    if (ahead !== undefined) feed.prefetch(0, ahead, 1)
    try {
      const limit = timeoutMs(name, feed.shardCount(part))
      results[part] = await ref.ask.evaluate({ slots }, { timeoutMs: limit })
    } catch (error) {
      if (!isGone(error)) throw error
      waiting.push(part)
      onLost(name, error.message)
      return false
    } finally {
      feed.release(0, part, 1)
    }
  }
  return true
}
