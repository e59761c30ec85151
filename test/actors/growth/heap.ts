import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A heap that has not shrunk for so many collections has nothing left that could be collected. */
const still = 4
/** It is being filled meanwhile: then what there is counts. */
const most = 60

/** Of this thread, when nothing is left that could be collected. */
export async function heapBytes(): Promise<number> {
  let least = Infinity
  // What is found dead in one collection lets go of what the next one finds.
  for (let since = 0, all = 0; since < still && all < most; since++, all++) {
    collect()
    for (let turns = 0; turns < 4; turns++) await new Promise((resolve) => setImmediate(resolve))
    const { heapUsed, external } = process.memoryUsage()
    const used = heapUsed + external
    if (used < least) since = 0
    least = Math.min(least, used)
  }
  return least
}

/** Something that is done again and again, and should leave nothing behind. */
export interface Habit {
  /** Does it so many times. */
  repeat: (times: number) => Promise<void>
  /** Of all threads that it concerns; this one's heap unless told. */
  measure?: () => Promise<number>
}

/**
 * Bytes that each time leaves behind, at the least of a few tries: code that is compiled and tables
 * that double come and go, what leaks comes each time.
 *
 * @param warmUp first so many times, until what is kept of the recent past is full
 */
export async function slope(
  { repeat, measure = heapBytes }: Habit,
  { warmUp, times, tries = 3 }: { warmUp: number; times: number; tries?: number },
  enough: number,
): Promise<number> {
  await repeat(warmUp)
  let least = Infinity
  let before = await measure()
  for (let i = 0; i < tries && least > enough; i++) {
    await repeat(times)
    const after = await measure()
    least = Math.min(least, (after - before) / times)
    before = after
  }
  return least
}
