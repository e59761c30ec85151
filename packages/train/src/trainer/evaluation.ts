import type { ShardFeed } from '../data/feed.js'
import type { CrewDevice } from './crew.js'
import { addTally, emptyTally, type Tally } from './tally.js'

export interface EvaluationOptions {
  readonly devices: readonly CrewDevice[]
  readonly feed: ShardFeed
  /** How long a device may take for one part. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Evaluates over the whole test set. Each device pulls the next part when it
 * has finished one, so fast devices do more; the part of a device that died
 * goes to another. Parts are added in their order, so the sums do not depend
 * on who computed them. Undefined when it was aborted or no device is left.
 *
 * @throws what packing the test set throws.
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
  { ref }: CrewDevice,
  waiting: number[],
  results: Tally[],
  { feed, timeoutMs, signal }: EvaluationOptions,
): Promise<boolean> {
  while (!signal.aborted) {
    const part = waiting.pop()
    if (part === undefined) return true
    const slots = await feed.take(0, part, 1)
    const ahead = waiting.at(-1)
    if (ahead !== undefined) feed.prefetch(0, ahead, 1)
    try {
      results[part] = await ref.ask.evaluate({ slots }, { timeoutMs })
    } catch {
      waiting.push(part)
      return false
    } finally {
      feed.release(0, part, 1)
    }
  }
  return true
}
