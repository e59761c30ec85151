import type { Data, DType } from '@kaitian/comm-native'

/** A view of memory as elements of a type; f16 and bf16 as their bits. */
export function elementsIn(
  dtype: DType,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): Data {
  switch (dtype) {
    case 'f64':
      return new Float64Array(buffer, byteOffset, length)
    case 'f32':
      return new Float32Array(buffer, byteOffset, length)
    case 'f16':
    case 'bf16':
      return new Uint16Array(buffer, byteOffset, length)
    case 'i64':
      return new BigInt64Array(buffer, byteOffset, length)
    case 'i32':
      return new Int32Array(buffer, byteOffset, length)
    case 'i8':
      return new Int8Array(buffer, byteOffset, length)
    case 'u8':
      return new Uint8Array(buffer, byteOffset, length)
  }
}

/** Whole numbers from 0 up as elements of a type: integers wrap, and what f16 cannot hold is infinite. */
export function encode(dtype: DType, values: readonly number[]): Data {
  switch (dtype) {
    case 'f64':
      return Float64Array.from(values)
    case 'f32':
      return Float32Array.from(values)
    case 'f16':
      return Uint16Array.from(values, f16Bits)
    case 'bf16':
      return Uint16Array.from(values, bf16Bits)
    case 'i64':
      return BigInt64Array.from(values, BigInt)
    case 'i32':
      return Int32Array.from(values)
    case 'i8':
      return Int8Array.from(values)
    case 'u8':
      return Uint8Array.from(values)
  }
}

const F16_INFINITE = 2 ** 16
const F16_INFINITY = 0x7c00

/** Of numbers that have at most eleven significant bits, so that nothing is rounded. */
function f16Bits(value: number): number {
  if (value === 0) return 0
  if (value >= F16_INFINITE) return F16_INFINITY
  const exponent = Math.floor(Math.log2(value))
  const mantissa = (value / 2 ** exponent - 1) * 2 ** 10
  return ((exponent + 15) << 10) | mantissa
}

/** Of numbers that have at most eight significant bits: the upper half of an f32. */
function bf16Bits(value: number): number {
  const view = new DataView(new ArrayBuffer(4))
  view.setFloat32(0, value)
  return view.getUint16(0)
}
