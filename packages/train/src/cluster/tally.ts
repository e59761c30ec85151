import type { BatchResult } from '../engines/engine.js'

/** Sums over a test set. */
export type Tally = BatchResult

export const emptyTally: Tally = { count: 0, lossSum: 0, correct: 0 }

export function addTally(a: Tally, b: Tally): Tally {
  return {
    count: a.count + b.count,
    lossSum: a.lossSum + b.lossSum,
    correct: a.correct + b.correct,
  }
}
