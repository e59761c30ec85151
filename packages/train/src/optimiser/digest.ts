import type { DigestWords, Kernels } from '@kaitian/comm-native'

/** What a digest is added up in, by the kernels. */
export function newDigest(): DigestWords {
  return new BigUint64Array(3)
}

/** Whether all of the state that was added is finite. */
export function isFinite(words: DigestWords): boolean {
  return words[2] === 0n
}

/** The two sums, as 32 hexadecimal digits. */
export function digestText([one, other]: DigestWords): string {
  return [one, other].map((sum) => sum.toString(16).padStart(16, '0')).join('')
}

/**
 * Digest of a device's state: weights beside their velocities, then running
 * statistics. Equal bits have equal digests, and others have other ones but for
 * an accident of 2⁻⁶⁴ (T5).
 */
export function stateDigest(kernels: Kernels, state: Float32Array, velocity: Float32Array): string {
  const words = newDigest()
  const weights = velocity.length
  kernels.digest(words, state.subarray(0, weights), velocity, 0)
  kernels.digest(words, state.subarray(weights), undefined, weights)
  return digestText(words)
}
