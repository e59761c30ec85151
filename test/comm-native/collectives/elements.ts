import type { Data, DType } from '@kaitian/comm-native'

/**
 * Element types for the tests, written from their definitions and not from the product: what a
 * 16-bit pattern means, and which one a number is rounded to.
 */

type Kind = new (buffer: ArrayBufferLike, byteOffset?: number, length?: number) => Data

const KINDS: Readonly<Record<DType, Kind>> = {
  f64: Float64Array,
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i64: BigInt64Array,
  i32: Int32Array,
  i8: Int8Array,
  u8: Uint8Array,
}

export function viewOf(
  dtype: DType,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): Data {
  return new KINDS[dtype](buffer, byteOffset, length)
}

export function makeData(dtype: DType, length: number): Data {
  return viewOf(dtype, new ArrayBuffer(length * widthOf(dtype)), 0, length)
}

export function widthOf(dtype: DType): number {
  return (KINDS[dtype] as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'f64' || dtype === 'f32' || dtype === 'f16' || dtype === 'bf16'
}

/** What elements are worth: 16-bit floats in the fp32 that they are accumulated in. */
export type Values =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int8Array
  | Uint8Array

export function valuesOf(dtype: DType, data: Data): Values {
  if (!(data instanceof Uint16Array)) return data
  const table = dtype === 'f16' ? f16Table() : bf16Table()
  const values = new Float32Array(data.length)
  for (let i = 0; i < data.length; i++) values[i] = table[data[i]]
  return values
}

/** The elements of a type that values are rounded to; NaN is the positive quiet one. */
export function encode(dtype: DType, values: Values): Data {
  if (dtype !== 'f16' && dtype !== 'bf16') return values
  const toBits = dtype === 'f16' ? f16Bits : bf16Bits
  const data = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) data[i] = toBits(values[i] as number)
  return data
}

let f16Values: Float32Array | undefined
let bf16Values: Float32Array | undefined

function f16Table(): Float32Array {
  f16Values ??= Float32Array.from({ length: 65536 }, (_, bits) => f16Value(bits))
  return f16Values
}

function bf16Table(): Float32Array {
  bf16Values ??= new Float32Array(Uint32Array.from({ length: 65536 }, (_, b) => b << 16).buffer)
  return bf16Values
}

function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

const single = new Float32Array(1)
const word = new Uint32Array(single.buffer)

function toEven(value: number): number {
  const up = Math.round(value)
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up
}

/** Of an fp32 number. */
function f16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00
  single[0] = value
  const sign = (word[0] >>> 16) & 0x8000
  const size = Math.abs(value)
  // Half a unit above the largest number, and even: from there on it is rounded up.
  if (size >= 65520) return sign | 0x7c00
  const exponent = Math.max(((word[0] >>> 23) & 255) - 127, -14)
  const fraction = toEven(size * 2 ** (10 - exponent))
  // A normal number's leading bit, 1024, counts up the exponent; so does a fraction of 2048.
  return sign | (((exponent + 14) << 10) + fraction)
}

/** Of an fp32 number. */
function bf16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0
  single[0] = value
  const above = word[0] >>> 16
  const rest = word[0] & 0xffff
  const up = rest > 0x8000 || (rest === 0x8000 && above % 2 === 1)
  return up ? above + 1 : above
}

/** Which pattern every NaN has that was worked out. */
const NAN_BITS: Readonly<Partial<Record<DType, string>>> = {
  f64: '7ff8000000000000',
  f32: '7fc00000',
  f16: '7e00',
  bf16: '7fc0',
}

export function bitsOf(data: Data, index: number): string {
  const bytes = new Uint8Array(
    data.buffer,
    data.byteOffset + index * data.BYTES_PER_ELEMENT,
    data.BYTES_PER_ELEMENT,
  )
  return Buffer.from(bytes)
    .toReversed()
    .reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '')
}

export function bytesOf(data: Data): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** The first element whose bits are others, −1 when none; every worked-out NaN must be the one. */
export function firstDifference(dtype: DType, expected: Data, found: Data): number {
  if (bytesOf(expected).equals(bytesOf(found))) return -1
  const [one, other] = [valuesOf(dtype, expected), valuesOf(dtype, found)]
  for (let i = 0; i < found.length; i++) {
    if (!Object.is(one[i], other[i])) return i
    // How JavaScript's own arithmetic writes a NaN is its affair.
    if (Number.isNaN(one[i]) && bitsOf(found, i) !== NAN_BITS[dtype]) return i
  }
  return -1
}
