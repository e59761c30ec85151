/** What became of one test file. */
export interface Outcome {
  readonly passed: number
  readonly failed: number
  /** Why the file failed though its tests may have passed. */
  readonly reason?: string
}

export interface Ending {
  readonly output: string
  readonly code: number | null
  readonly signal: string | null
  readonly timedOut: boolean
  readonly leaked: boolean
}

/**
 * Judges a test file by what its process printed and how it ended. uvu exits
 * with 0 when a `before` hook throws and when `.run()` was forgotten, so its
 * exit code alone proves nothing: tests must have run, and all have passed.
 */
export function judge({ output, code, signal, timedOut, leaked }: Ending): Outcome {
  // oxlint-disable-next-line no-control-regex -- uvu colours its totals
  const plain = output.replaceAll(/\u001B\[\d+m/g, '')
  const total = lastNumber(plain, /Total:\s+(\d+)/g)
  const passed = lastNumber(plain, /Passed:\s+(\d+)/g)
  const reason = timedOut
    ? 'ran past its time limit'
    : leaked
      ? 'finished but left handles open'
      : total === undefined || passed === undefined
        ? 'ended before it printed totals'
        : total === 0
          ? 'ran no test'
          : code !== 0
            ? `exited with ${code ?? signal}`
            : undefined
  const failed = (total ?? 0) - (passed ?? 0)
  if (reason === undefined) return { passed: passed ?? 0, failed }
  return { passed: passed ?? 0, failed: Math.max(1, failed), reason }
}

function lastNumber(text: string, pattern: RegExp): number | undefined {
  const found = [...text.matchAll(pattern)].at(-1)
  return found === undefined ? undefined : Number(found[1])
}
