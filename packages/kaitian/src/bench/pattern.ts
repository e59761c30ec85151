import type { Data, DType, Op } from '@kaitian/comm-native'
import type { Stretch } from './collectives.js'
import { encode } from './elements.js'

/**
 * What is sent, and what must come of it. The numbers are small and whole, so
 * that every type holds them and every order of combining gives the same bits;
 * they repeat with a prime period, so that no two pieces of a round size begin
 * alike.
 */
const PERIOD = 8191

/** From so many ranks on a sum (3 at most from each) could exceed the 8 bits of bf16. */
export const MOST_RANKS = 64

export interface PatternOptions {
  readonly dtype: DType
  /** Absent where data is only moved. */
  readonly op: Op | undefined
  readonly ranks: number
}

/** One period of a rank's elements, or of all ranks' combined. */
export function patternOf(of: number | 'all', { dtype, op, ranks }: PatternOptions): Data {
  const values = Array.from({ length: PERIOD }, (_, index) => {
    if (of !== 'all') return valueOf(op, of, ranks, index)
    return combined(op, ranks, index)
  })
  return encode(dtype, values)
}

function valueOf(op: Op | undefined, rank: number, ranks: number, index: number): number {
  if (op === undefined) return mixed(index, rank + 1) % 127
  // Ones and few twos: a product stays small.
  if (op === 'prod') return mixed(index, rank + 1) % 4 === 0 ? 2 : 1
  return (mixed(index, 0) % 3) + leaning(rank, ranks, index)
}

/**
 * Ranks in pairs, 0 and 2 or 2 and 0; one without a partner has 1. So ranks
 * differ, and their mean is whole: `avg` divides without rounding.
 */
function leaning(rank: number, ranks: number, index: number): number {
  const first = rank % 2 === 0
  if (first && rank + 1 === ranks) return 1
  const bit = mixed(index, 1 + (rank >> 1)) & 1
  return (first ? bit : 1 - bit) * 2
}

function combined(op: Op | undefined, ranks: number, index: number): number {
  const values = Array.from({ length: ranks }, (_, rank) => valueOf(op, rank, ranks, index))
  const sum = (): number => values.reduce((total, value) => total + value, 0)
  switch (op) {
    case 'prod':
      return values.reduce((product, value) => product * value, 1)
    case 'min':
      return Math.min(...values)
    case 'max':
      return Math.max(...values)
    case 'avg':
      return sum() / ranks
    default:
      return sum()
  }
}

/** Multiplicative hashing (Knuth, TAOCP 3, 6.4), of two small numbers. */
function mixed(index: number, salt: number): number {
  return Math.imul(Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b), 0xc2b2ae35) >>> 9
}

/** Fills with the repeated pattern, from its start. */
export function fill(data: Data, pattern: Data): void {
  for (const { at, length } of blocks(data.length, 0)) {
    write(data, pattern.subarray(0, length), at)
  }
}

/** A pattern is of its data's type. */
function write(data: Data, block: Data, at: number): void {
  ;(data as Float32Array).set(block as Float32Array, at)
}

/** How many elements of a stretch are not the pattern's. */
export function countWrong(data: Data, { at, length, from }: Stretch, pattern: Data): number {
  let wrong = 0
  for (const block of blocks(length, from)) {
    const found = data.subarray(at + block.at, at + block.at + block.length)
    const expected = pattern.subarray(block.phase, block.phase + block.length)
    if (bytesOf(found).equals(bytesOf(expected))) continue
    for (let index = 0; index < found.length; index++) {
      if (found[index] !== expected[index]) wrong++
    }
  }
  return wrong
}

function bytesOf({ buffer, byteOffset, byteLength }: Data): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** A length cut where the pattern begins anew; `phase` is where in the pattern a block starts. */
function* blocks(
  length: number,
  from: number,
): Generator<{ readonly at: number; readonly phase: number; readonly length: number }> {
  for (let at = 0; at < length;) {
    const phase = (from + at) % PERIOD
    const block = Math.min(PERIOD - phase, length - at)
    yield { at, phase, length: block }
    at += block
  }
}
