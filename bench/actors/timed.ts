import type { Entrant } from './contest.js'

const warmUpUs = 400_000
const usualSampleUs = 25_000
/** So much is enough to run hot, when samples are larger. */
const warmUpOperations = 10_000

export interface Timed {
  /** Does so many operations; resolves when the last one is done. */
  readonly run: (operations: number) => Promise<void>
  readonly close: () => Promise<void>
  /** A sample's size; without it about `sampleUs`' worth, a multiple of `step`. */
  readonly operations?: number
  readonly sampleUs?: number
  /** 1000 unless told. */
  readonly step?: number
}

/** Samples are microseconds per operation. */
export function timed(options: Timed): Entrant {
  const { run, close, operations, sampleUs = usualSampleUs, step = 1000 } = options
  const elapsedUs = async (count: number): Promise<number> => {
    const start = performance.now()
    await run(count)
    return (performance.now() - start) * 1000
  }
  const fixed = operations !== undefined
  let size = operations ?? step
  return {
    async warmUp() {
      for (let spent = 0; spent < warmUpUs;) {
        const us = await elapsedUs(fixed ? Math.min(size, warmUpOperations) : size)
        spent += us
        if (fixed) continue
        // By leaps of at most 4: the first runs are slow ones.
        const wanted = size * Math.min(4, sampleUs / us)
        size = Math.max(step, Math.round(wanted / step) * step)
      }
    },
    sample: async () => (await elapsedUs(size)) / size,
    close,
  }
}
