/**
 * How deep the tests go. `npm test` runs a cut of each kind, `npm run test:full`, which sets
 * `KAITIAN_TEST_DEPTH=full`, all of it. Nothing else reads the variable.
 */
export type Depth = 'cut' | 'full'

/** The depth of this run. A value that means nothing is refused, or a run would be taken for deep. */
export function depthOf(value: string | undefined): Depth {
  if (value === undefined || value === '' || value === 'cut') return 'cut'
  if (value === 'full') return 'full'
  throw new Error(`KAITIAN_TEST_DEPTH is "cut" or "full", not "${value}"`)
}

/** What a test takes at the depth of this run: `depth({ cut: 300, full: 10_000 })` seeds. */
export function depth<T>(choices: Readonly<Record<Depth, T>>): T {
  return choices[depthOf(process.env.KAITIAN_TEST_DEPTH)]
}

/** Of cases that are alike, all; in a cut every `step`-th, so that no kind is left out. */
export function everyNth<T>(step: number, cases: readonly T[]): readonly T[] {
  return depth({ cut: cases.filter((_, index) => index % step === 0), full: cases })
}
