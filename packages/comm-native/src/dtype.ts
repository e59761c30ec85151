/** Element types, in the order of the native core's enumeration. */
export const DTYPES = ['f64', 'f32', 'f16', 'bf16', 'i64', 'i32', 'i8', 'u8'] as const

/** What a collective can carry; `f16` and `bf16` lie in a Uint16Array. */
export type DType = (typeof DTYPES)[number]

/** Width of an element. */
export const ELEMENT_BYTES: Readonly<Record<DType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i8: 1,
  u8: 1,
}

/** Elements in memory, shared or not. */
export type Data =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int8Array
  | Uint8Array

/** The element types that a kind of array may hold; the first is meant when nothing is said. */
export function dtypesOf(data: unknown): readonly DType[] {
  if (data instanceof Float32Array) return F32
  if (data instanceof Float64Array) return ['f64']
  if (data instanceof BigInt64Array) return ['i64']
  if (data instanceof Int32Array) return ['i32']
  if (data instanceof Int8Array) return ['i8']
  if (data instanceof Uint8Array) return ['u8']
  if (data instanceof Uint16Array) return HALVES
  return []
}

const F32 = ['f32'] as const
const HALVES = ['f16', 'bf16'] as const

export function isFloat(dtype: DType): boolean {
  return dtype === 'f64' || dtype === 'f32' || dtype === 'f16' || dtype === 'bf16'
}
