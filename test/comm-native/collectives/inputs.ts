import type { Data, DType } from '@kaitian/comm-native'
import type { Pattern } from './case.js'
import { encode, makeData, isFloat, viewOf, widthOf } from './elements.js'

/** Which input: everything but where in it. */
export interface Input {
  readonly pattern: Pattern
  readonly dtype: DType
  readonly seed: number
  readonly ranks: number
}

/** The `length` elements from `from` on of a rank's input, which is a function of these alone. */
export function inputBlock(input: Input, rank: number, from: number, length: number): Data {
  const data = makeData(input.dtype, length)
  fillInput(input, rank, from, data)
  return data
}

export function fillInput(input: Input, rank: number, from: number, into: Data): void {
  const { pattern, dtype, seed } = input
  const salt = mix(Math.imul(seed + 1, 0x5851f42d) + rank)
  if (pattern === 'bits' || (pattern === 'random' && !isFloat(dtype))) {
    fillBits(into, (word) => mix(word + salt), from * widthOf(dtype))
  } else if (pattern === 'random') {
    fillFloats(dtype, into, from, salt)
  } else if (pattern === 'special') {
    fillSpecial(dtype, into, from, rank)
  } else {
    const small = pattern === 'whole' ? multiples(input.ranks) : TWOS
    fillSmall(dtype, into, (i) => small[mix(i + from + salt) % small.length])
  }
}

/** splitmix32's finaliser over a counter: any element without those before it. */
function mix(counter: number): number {
  let mixed = Math.imul(counter, 0x9e3779b9)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

/** At most 6 ranks of at most 6 × 6 each: below 256, which bf16 counts to. */
function multiples(ranks: number): number[] {
  return [-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6].map((value) => value * ranks)
}

/** At most 2^6, in whatever order they are multiplied. */
const TWOS = [1, 1, 1, 1, 2, -1, -2]

function fillBits(into: Data, wordAt: (index: number) => number, firstByte: number): void {
  // Words are counted from the input's first byte, which `into` may start between two of.
  const shift = firstByte % 4
  const words = new Uint32Array(Math.ceil((shift + into.byteLength) / 4))
  const firstWord = (firstByte - shift) / 4
  for (let i = 0; i < words.length; i++) words[i] = wordAt(firstWord + i)
  new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(
    new Uint8Array(words.buffer, shift, into.byteLength),
  )
}

/**
 * Signs and fractions of any bits. Exponents are such that the product of six is neither too large
 * nor too small for the type, and that sums lose bits.
 */
function fillFloats(dtype: DType, into: Data, from: number, salt: number): void {
  const bits = (i: number): number => mix(i + from + salt)
  const exponent = (word: number, most: number): number => (word % (2 * most)) - most
  if (into instanceof Uint16Array) {
    const [fraction, bias] = dtype === 'f16' ? [10, 15] : [7, 127]
    const mask = 0x8000 | ((1 << fraction) - 1)
    for (let i = 0; i < into.length; i++) {
      const word = bits(i)
      into[i] = (word & mask) | ((bias + exponent(word >>> 16, 2)) << fraction)
    }
    return
  }
  const words = new Uint32Array((into.length * widthOf(dtype)) / 4)
  for (let i = 0; i < into.length; i++) {
    const word = bits(i)
    if (dtype === 'f32') {
      words[i] = (word & 0x807fffff) | ((127 + exponent(mix(word), 16)) << 23)
    } else {
      words[2 * i] = mix(word)
      words[2 * i + 1] = (word & 0x800fffff) | ((1023 + exponent(word >>> 20, 16)) << 20)
    }
  }
  new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(new Uint8Array(words.buffer))
}

const SMALLEST = { f64: 2 ** -1074, f32: 2 ** -149, f16: 2 ** -24, bf16: 2 ** -133 }
const LARGEST = {
  f64: Number.MAX_VALUE,
  f32: (2 - 2 ** -23) * 2 ** 127,
  f16: 65504,
  bf16: (2 - 2 ** -7) * 2 ** 127,
}

/** As many as `special` has. */
export const SPECIALS = 12

/** Every value meets every other one on neighbouring ranks, within SPECIALS ** 2 elements. */
function fillSpecial(dtype: DType, into: Data, from: number, rank: number): void {
  if (dtype !== 'f64' && dtype !== 'f32' && dtype !== 'f16' && dtype !== 'bf16') {
    throw new Error(`${dtype} has no special values`)
  }
  const [least, most] = [SMALLEST[dtype], LARGEST[dtype]]
  const table = [0, -0, NaN, Infinity, -Infinity, least, -least, 3 * least, most, -most, 1, -1]
  fillSmall(dtype, into, (i) => {
    const index = i + from
    return table[(rank % 2 === 0 ? index : Math.floor(index / SPECIALS) + rank) % SPECIALS]
  })
}

/** Numbers that are exact in the type. */
function fillSmall(dtype: DType, into: Data, valueAt: (index: number) => number): void {
  if (into instanceof BigInt64Array) {
    const halves = new Int32Array(2 * into.length)
    for (let i = 0; i < into.length; i++) {
      halves[2 * i] = valueAt(i)
      halves[2 * i + 1] = halves[2 * i] >> 31
    }
    into.set(new BigInt64Array(halves.buffer))
  } else if (into instanceof Uint16Array) {
    into.set(
      encode(
        dtype,
        Float32Array.from({ length: into.length }, (_, i) => valueAt(i)),
      ) as Uint16Array,
    )
  } else {
    for (let i = 0; i < into.length; i++) into[i] = valueAt(i)
  }
}

/** A part of one rank's buffer, as the same kind of view. */
export function part(dtype: DType, data: Data, from: number, length: number): Data {
  return viewOf(dtype, data.buffer, data.byteOffset + from * widthOf(dtype), length)
}
