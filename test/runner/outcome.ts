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
  /** Why it was ended, in words, when it did not end by itself. */
  readonly gaveUp?: string
}

/**
 * Judges a test file by what its process printed and how it ended. uvu exits
 * with 0 when a `before` hook throws and when `.run()` was forgotten, so its
 * exit code alone proves nothing: tests must have run, and all have passed.
 */
export function judge({ output, code, signal, gaveUp }: Ending): Outcome {
  const plain = withoutColours(output)
  const total = lastNumber(plain, /^ *Total: +(\d+)/gm)
  const passed = lastNumber(plain, /^ *Passed: +(\d+)/gm)
  const failed = (total ?? 0) - (passed ?? 0)
  const reason =
    gaveUp ??
    (total === undefined || passed === undefined
      ? 'ended before it printed totals'
      : total === 0
        ? 'ran no test'
        : code === 0 || (code === 1 && failed > 0)
          ? undefined
          : `exited with ${code ?? signal}`)
  if (reason === undefined) return { passed: passed ?? 0, failed }
  return { passed: passed ?? 0, failed: Math.max(1, failed), reason }
}

/** All tests are over, as uvu's last lines say. */
export function hasTotals(output: string): boolean {
  return /^ *Skipped: /m.test(withoutColours(output))
}

/** How many tests have passed until now, and where it is: the last line that was printed. */
export function progressIn(output: string): { passed: number; line: string } {
  const plain = withoutColours(output)
  const passed = plain.split('•').length - 1
  return { passed, line: plain.trimEnd().split('\n').at(-1)?.trim() ?? '' }
}

function withoutColours(text: string): string {
  // oxlint-disable-next-line no-control-regex -- uvu colours its totals
  return text.replaceAll(/\u001B\[\d+m/g, '')
}

function lastNumber(text: string, pattern: RegExp): number | undefined {
  const found = [...text.matchAll(pattern)].at(-1)
  return found === undefined ? undefined : Number(found[1])
}
