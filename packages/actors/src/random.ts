import { createHash } from 'node:crypto'
import { KaitianError } from '@kaitian/errors'

/**
 * Chance as a parameter. A stream is named by its key: the same key gives the
 * same numbers on every thread and machine, because only exact arithmetic is
 * used (32-bit integers; IEEE + − × ÷ √, never the platform's libm).
 */
export interface Random {
  /** What names this stream. */
  readonly key: readonly (string | number)[]
  /** Uniform in [0, 1), 53 bits. */
  next(): number
  /** Uniform integer in [0, below). */
  integer(below: number): number
  /** Normal with mean 0 and variance 1. */
  normal(): number
  /**
   * The stream of this key with `label` appended. It does not depend on how
   * many numbers were drawn from this one, and does not disturb it.
   */
  fork(label: string | number): Random
}

/**
 * xoshiro128** 1.1 (Blackman & Vigna, "Scrambled Linear Pseudorandom Number
 * Generators", doi:10.1145/3460772), its state the first 16 bytes of SHA-256
 * of the key's JSON. Not for secrets.
 */
class Xoshiro128 implements Random {
  readonly key: readonly (string | number)[]
  readonly #state: Uint32Array
  #spare: number | undefined

  constructor(key: readonly (string | number)[]) {
    this.key = key
    this.#state = seed(key)
  }

  next(): number {
    const high = this.#word() >>> 5
    const low = this.#word() >>> 6
    return (high * 2 ** 26 + low) * 2 ** -53
  }

  integer(below: number): number {
    if (!Number.isSafeInteger(below) || below < 1) {
      throw new KaitianError('BAD_ARGUMENT', `integer(below) wants a whole number ≥ 1: ${below}`)
    }
    return Math.floor(this.next() * below)
  }

  /** Marsaglia's polar method (doi:10.1137/1006063): two normals for each accepted pair. */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare
      this.#spare = undefined
      return spare
    }
    for (;;) {
      const u = 2 * this.next() - 1
      const v = 2 * this.next() - 1
      const s = u * u + v * v
      if (s >= 1 || s === 0) continue
      const scale = Math.sqrt((-2 * exactLog(s)) / s)
      this.#spare = v * scale
      return u * scale
    }
  }

  fork(label: string | number): Random {
    return new Xoshiro128([...this.key, label])
  }

  #word(): number {
    const s = this.#state
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9)
    const t = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotateLeft(s[3], 11)
    return result >>> 0
  }
}

/** The stream that `key` names; see {@link Random}. */
export function seededRandom(...key: (string | number)[]): Random {
  for (const part of key) {
    if (typeof part === 'number' && !Number.isFinite(part)) {
      throw new KaitianError('BAD_ARGUMENT', `A random key holds finite numbers, not ${part}`)
    }
  }
  return new Xoshiro128(key)
}

function seed(key: readonly (string | number)[]): Uint32Array {
  const digest = createHash('sha256').update(JSON.stringify(key)).digest()
  // Little-endian on every machine.
  return Uint32Array.from([0, 4, 8, 12], (offset) => digest.readUInt32LE(offset))
}

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k))
}

/**
 * ln x for 0 < x < 1, the same bits everywhere (Math.log may differ between
 * builds): x = m·2^e with m in [√½, √2), and ln m = 2·artanh((m−1)/(m+1)).
 */
function exactLog(x: number): number {
  let m = x
  let e = 0
  while (m < Math.SQRT1_2) {
    m *= 2
    e--
  }
  const z = (m - 1) / (m + 1)
  const square = z * z
  let sum = 0
  // |z| < 0.172: the first term left out is below 2^-60 of the sum.
  for (let k = 23; k >= 1; k -= 2) sum = sum * square + 1 / k
  return 2 * z * sum + e * Math.LN2
}
