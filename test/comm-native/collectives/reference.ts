import type { Data, DType, Op } from '@kaitian/comm-native'
import { encode, valuesOf, type Values } from './elements.js'

/** How a reduction is to come about: which members make up which group, and what lies between. */
export interface Folding {
  readonly op: Op
  readonly dtype: DType
  readonly groups: readonly number[]
  readonly wire: 'f32' | 'bf16'
}

/**
 * The result that the interface promises, with all its bits: each group's members in their order,
 * the groups' results, as the wire carries them, in theirs. Arrays of a type do the rounding and
 * the wrapping: what is stored in them is a result of that type.
 */
export function fold(folding: Folding, parts: readonly Data[]): Data {
  const { dtype, op, groups } = folding
  const values = parts.map((part) => valuesOf(dtype, part))
  let first = 0
  const partials = groups.map((size) => {
    const own = values.slice(first, (first += size))
    return groups.length === 1 ? combine(op, own) : carried(folding, combine(op, own))
  })
  const result = combine(op, partials)
  if (op === 'avg') divide(result, values.length)
  return encode(dtype, result)
}

/** A group's result after its way to the others. */
function carried({ dtype, wire }: Folding, partial: Values): Values {
  const between = dtype === 'f32' && wire === 'bf16' ? 'bf16' : dtype
  return valuesOf(between, encode(between, partial))
}

function combine(op: Op, parts: readonly Values[]): Values {
  const into = parts[0].slice()
  for (const part of parts.slice(1)) {
    if (into instanceof BigInt64Array) join64(op, into, part as BigInt64Array)
    else if (into instanceof Int32Array && op === 'prod') multiply32(into, part as Int32Array)
    else join(op, into, part as typeof into)
  }
  return into
}

/** Math.min and Math.max are those of IEEE 754-2019: NaN wins, −0 < +0. */
function join<T extends Exclude<Values, BigInt64Array>>(op: Op, into: T, part: T): void {
  const { length } = into
  switch (op) {
    case 'sum':
    case 'avg':
      for (let i = 0; i < length; i++) into[i] += part[i]
      break
    case 'prod':
      for (let i = 0; i < length; i++) into[i] *= part[i]
      break
    case 'min':
      for (let i = 0; i < length; i++) into[i] = Math.min(into[i], part[i])
      break
    case 'max':
      for (let i = 0; i < length; i++) into[i] = Math.max(into[i], part[i])
  }
}

/** The product of two 32-bit integers is exact in no double. */
function multiply32(into: Int32Array, part: Int32Array): void {
  for (let i = 0; i < into.length; i++) into[i] = Math.imul(into[i], part[i])
}

function join64(op: Op, into: BigInt64Array, part: BigInt64Array): void {
  for (let i = 0; i < into.length; i++) {
    const [one, other] = [into[i], part[i]]
    if (op === 'sum') into[i] = one + other
    else if (op === 'prod') into[i] = one * other
    else if (op === 'min') into[i] = one < other ? one : other
    else into[i] = one > other ? one : other
  }
}

function divide(values: Values, divisor: number): void {
  if (!(values instanceof Float64Array || values instanceof Float32Array)) {
    throw new Error('the mean of integers is none')
  }
  for (let i = 0; i < values.length; i++) values[i] /= divisor
}
