import { ELEMENT_BYTES, type DType } from '../dtype.js'
import { KaitianError } from '@kaitian/errors'
import { buildAdvice } from '../load-error.js'
import type { CommunicatorOptions, Region, Signature } from '../types.js'
import { kernels } from './kernels.js'

/** Elements per turn: about a millisecond, so that the leader's event loop stays responsive. */
const CHUNK = 1 << 18

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export type Regions = readonly Readonly<Partial<Record<DType, Region>>>[]

/** By rank: what each has to sum in. */
export function regionsOf({ members, regions }: CommunicatorOptions): Regions {
  return regions ?? members.map(() => ({}))
}

export function byGroup(regions: Regions, groups: readonly number[] = [regions.length]): Regions[] {
  let first = 0
  return groups.map((size) => regions.slice(first, (first += size)))
}

/** C1: refused by name rather than done by a loop for each of forty cases. */
export function checkSummable({ op, dtype }: Pick<Signature, 'op' | 'dtype'>): void {
  if (op === 'sum' && (dtype === 'f32' || dtype === 'i64')) return
  throw new KaitianError(
    'UNSUPPORTED_OP',
    `The TypeScript fallback sums f32 and i64; it cannot do '${op}' of ${dtype}. It takes the native core. ${buildAdvice()}.`,
    { fields: { op, dtype } },
  )
}

/**
 * Sums each group's parts in rank order, then the groups' sums in theirs, and
 * writes the result to every rank: all end with identical bits (C2), those of
 * the native core. Returns early, with the regions in an unspecified state,
 * once `aborted` says so.
 */
export async function allreduce(
  groups: readonly Regions[],
  { dtype, offset, count }: Signature,
  aborted: () => boolean,
): Promise<void> {
  for (let done = 0; done < count && !aborted(); done += CHUNK) {
    if (done > 0) await turn()
    const from = offset + done
    const length = Math.min(CHUNK, count - done)
    if (dtype === 'f32') {
      const parts = groups.map((group) => group.map(({ f32 }) => viewF32(f32!, from, length)))
      sumGroups(parts, (into, all) => kernels.sumF32(into, all))
    } else {
      const parts = groups.map((group) => group.map(({ i64 }) => viewI64(i64!, from, length)))
      sumGroups(parts, (into, all) => kernels.sumI64(into, all))
    }
  }
}

/** A group's sum lies in its first member's memory until all are summed. */
function sumGroups<View extends Float32Array | BigInt64Array>(
  groups: readonly (readonly View[])[],
  sum: (into: View, parts: readonly View[]) => void,
): void {
  for (const parts of groups) sum(parts[0], parts)
  const firsts = groups.map(([first]) => first)
  const [result] = firsts
  sum(result, firsts)
  for (const part of groups.flat()) if (part !== result) part.set(result as never)
}

function viewF32(region: Region, from: number, length: number): Float32Array {
  return new Float32Array(region.buffer, region.byteOffset + from * ELEMENT_BYTES.f32, length)
}

function viewI64(region: Region, from: number, length: number): BigInt64Array {
  return new BigInt64Array(region.buffer, region.byteOffset + from * ELEMENT_BYTES.i64, length)
}
