import { createHash } from 'node:crypto'

/**
 * Digest of a device's state: the first 128 bits of SHA-256 over the bytes of
 * weights and statistics, then velocity. Equal digests mean equal bits (T5).
 */
export function stateDigest(state: Float32Array, velocity: Float32Array): string {
  const hash = createHash('sha256')
  for (const part of [state, velocity]) {
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
  }
  return hash.digest('hex').slice(0, 32)
}
