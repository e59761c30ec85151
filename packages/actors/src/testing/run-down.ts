import type { VirtualClock } from '../clock.js'

/**
 * Moves the clock from timer to timer until `promise` has settled.
 *
 * @returns false when it has not, and no timer is left that could bring it about
 */
export async function runDown(
  system: { readonly clock: VirtualClock; settle(): Promise<void> },
  promise: Promise<unknown>,
): Promise<boolean> {
  let over = false
  const done = (): void => {
    over = true
  }
  // oxlint-disable-next-line promise/no-callback-in-promise -- a flag is all it sets
  void promise.then(done, done)
  await system.settle()
  // oxlint-disable-next-line no-unmodified-loop-condition -- the promise sets it
  while (!over && (await system.clock.advanceToNext())) await system.settle()
  return over
}
