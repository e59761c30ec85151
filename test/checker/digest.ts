import { createHash } from 'node:crypto'

/** First 32 hexadecimal characters of SHA-256 over [state | velocity], little-endian like every host Node runs on. */
export function digestOf(state: Float32Array, velocity: Float32Array): string {
  const hash = createHash('sha256')
  for (const part of [state, velocity]) {
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
  }
  return hash.digest('hex').slice(0, 32)
}
