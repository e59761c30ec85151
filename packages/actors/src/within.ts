import type { TimerWheel } from './wheel.js'

/** What `work` resolves with; after `ms` it is not waited for, and `late` takes its place. */
export async function within<T, Late>(
  wheel: TimerWheel,
  ms: number,
  work: Promise<T>,
  late: Late,
): Promise<T | Late> {
  // A kill that is overtaken by the end of the system has nobody who waits for it.
  if (wheel.closed) return late
  let timer: { cancel(): void } | undefined
  const limit = new Promise<Late>((resolve) => {
    timer = wheel.after(ms, () => resolve(late))
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    timer?.cancel()
  }
}
