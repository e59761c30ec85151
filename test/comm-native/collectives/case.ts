import type { DType, Op } from '@kaitian/comm-native'

/** The collectives that move data; a barrier moves none. */
export const CALLS = [
  'allreduce',
  'reduce',
  'reduceScatter',
  'broadcast',
  'allgather',
  'allToAll',
  'gather',
  'scatter',
  'sendRecv',
] as const

export type CallName = (typeof CALLS)[number]

/**
 * What the inputs are: `whole` small integers whose sums are exact in every type and divisible by
 * the number of ranks, `twos` mostly 1 and 2, so that products are exact, `random` numbers of any
 * fraction, or for integers all bits, so that they wrap, `special` NaN, infinities, zeros,
 * denormals and the largest numbers, `bits` anything at all.
 */
export type Pattern = 'whole' | 'twos' | 'random' | 'special' | 'bits'

/** One call of all ranks, as plain data: each rank works out the rest by itself. */
export interface Case {
  readonly call: CallName
  readonly op: Op
  readonly dtype: DType
  /** Of the whole; where ranks have pieces, each has its share of it, rounded up. */
  readonly elements: number
  readonly inPlace: boolean
  readonly root: number
  readonly pattern: Pattern
  readonly seed: number
  readonly memory: 'shared' | 'plain'
}

/** Where a rank sits. */
export interface Seat {
  readonly rank: number
  readonly groups: readonly number[]
  readonly wire: 'f32' | 'bf16'
}

const REDUCTIONS: readonly CallName[] = ['allreduce', 'reduce', 'reduceScatter']
const WHOLE: readonly CallName[] = ['allreduce', 'reduce', 'broadcast', 'sendRecv']

export function isReduction(call: CallName): boolean {
  return REDUCTIONS.includes(call)
}

/** Elements that a call counts: of the whole, or of one rank's piece. */
export function countOf({ call, elements }: Case, ranks: number): number {
  return WHOLE.includes(call) ? elements : Math.ceil(elements / ranks)
}

/** Calls after which all ranks hold the same. */
export function endsAlike({ call }: Case): boolean {
  return call === 'allreduce' || call === 'broadcast' || call === 'allgather'
}

export function describeCase(given: Case): string {
  const { call, op, dtype, elements, inPlace, root, pattern, seed, memory } = given
  const place = inPlace ? 'in place' : 'out of place'
  const what = isReduction(call) ? `${call} ${op}` : call
  return `${what} of ${elements} ${dtype}, ${place}, root ${root}, ${pattern} ${seed}, ${memory}`
}

export function sizeOf(groups: readonly number[]): number {
  return groups.reduce((total, size) => total + size, 0)
}
