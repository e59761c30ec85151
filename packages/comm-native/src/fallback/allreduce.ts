import { ELEMENT_BYTES, type DType } from '../dtype.js'
import type { Region, Signature } from '../types.js'
import { kernels } from './kernels.js'

/** Elements per turn: about a millisecond, so that the leader's event loop stays responsive. */
const CHUNK = 1 << 18

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * Sums all ranks' parts in rank order and writes the sum to every rank, so all
 * end with identical bits (C2). Returns early, with the regions in an
 * unspecified state, once `aborted` says so.
 */
export async function allreduce(
  regions: readonly Readonly<Partial<Record<DType, Region>>>[],
  { dtype, offset, count }: Signature,
  aborted: () => boolean,
): Promise<void> {
  for (let done = 0; done < count && !aborted(); done += CHUNK) {
    if (done > 0) await turn()
    const from = offset + done
    const length = Math.min(CHUNK, count - done)
    if (dtype === 'f32') {
      const parts = regions.map((region) => viewF32(region.f32!, from, length))
      kernels.sumF32(parts[0], parts)
      for (const part of parts.slice(1)) part.set(parts[0])
    } else {
      const parts = regions.map((region) => viewI64(region.i64!, from, length))
      kernels.sumI64(parts[0], parts)
      for (const part of parts.slice(1)) part.set(parts[0])
    }
  }
}

function viewF32(region: Region, from: number, length: number): Float32Array {
  return new Float32Array(region.buffer, region.byteOffset + from * ELEMENT_BYTES.f32, length)
}

function viewI64(region: Region, from: number, length: number): BigInt64Array {
  return new BigInt64Array(region.buffer, region.byteOffset + from * ELEMENT_BYTES.i64, length)
}
