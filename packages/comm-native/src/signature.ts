import type { Collective } from './collective.js'
import type { Signature as BucketSignature } from './types.js'

/** Of a bucket, or of a call, which also has these. */
export interface Signature extends BucketSignature {
  readonly collective?: Collective
  readonly root?: number
}

const SIGNATURE_PARTS = [
  'sequence',
  'collective',
  'op',
  'dtype',
  'count',
  'root',
  'offset',
  'generation',
] as const

/** The parts in which two signatures differ; empty when they agree. */
export function differingParts(expected: Signature, found: Signature): (keyof Signature)[] {
  return SIGNATURE_PARTS.filter((part) => expected[part] !== found[part])
}

/** Rank −1 in a failure: the leader, who issued the operation. */
export const LEADER = -1

export interface Comparison {
  readonly expected: Signature
  readonly differing: readonly { readonly rank: number; readonly signature: Signature }[]
}

/**
 * C3. The signature that most hold is the expected one (the leader's on a
 * tie), so that the odd one out is named and not those who agree.
 * Undefined when all agree.
 *
 * @param first the rank of `issued`; those of `marked` follow
 */
export function compare(
  issued: Signature,
  marked: readonly Signature[],
  first = LEADER,
): Comparison | undefined {
  const all = [issued, ...marked]
  const holders = all.map((one) => all.filter((other) => agree(one, other)).length)
  // The first of the largest: the leader's stands at 0.
  const expected = all[holders.indexOf(Math.max(...holders))]
  const differing = all
    .map((signature, index) => ({ rank: index + first, signature }))
    .filter(({ signature }) => !agree(expected, signature))
  return differing.length === 0 ? undefined : { expected, differing }
}

function agree(one: Signature, other: Signature): boolean {
  return differingParts(one, other).length === 0
}
