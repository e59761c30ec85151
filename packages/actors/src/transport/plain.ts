import { types } from 'node:util'

/**
 * Whether msgpack carries a message as structured clone would: a shallow tree of plain objects
 * and dense arrays, none of which occurs twice, over strings, numbers, booleans, null and
 * undefined. Anything else may say no, for V8 serialises all; a wrong yes would change the message.
 */
export function isPlain(message: unknown): boolean {
  return isPlainWithin(message, new Set(), DEEPEST)
}

/** So that msgpackr's recursion, and this one's, stay far from the end of any stack. */
const DEEPEST = 64

function isPlainWithin(value: unknown, seen: Set<object>, levels: number): boolean {
  switch (typeof value) {
    case 'number':
      return isPlainNumber(value)
    case 'string':
      return isPlainString(value)
    case 'boolean':
    case 'undefined':
      return true
    case 'object':
      break
    default:
      return false
  }
  if (value === null) return true
  if (levels === 0 || seen.has(value)) return false
  seen.add(value)
  return Array.isArray(value)
    ? isPlainArray(value, seen, levels)
    : isPlainObject(value as Record<string, unknown>, seen, levels)
}

/** msgpackr writes −0 as 0. */
function isPlainNumber(value: number): boolean {
  return value !== 0 || 1 / value > 0
}

/** UTF-8 has no lone surrogates, and reading it drops a byte order mark. */
function isPlainString(value: string): boolean {
  return value.isWellFormed() && value.charCodeAt(0) !== 0xfeff
}

function isPlainArray(array: unknown[], seen: Set<object>, levels: number): boolean {
  if (types.isProxy(array)) return false
  const { length } = array
  // Indices come first, in order: as many keys as elements, the last an index, mean that there
  // is neither a hole nor a property beside the elements.
  const keys = Object.keys(array)
  if (keys.length !== length) return false
  if (length > 0 && keys[length - 1] !== String(length - 1)) return false
  for (let index = 0; index < length; index++) {
    if (!isPlainWithin(array[index], seen, levels - 1)) return false
  }
  return true
}

function isPlainObject(
  object: Record<string, unknown>,
  seen: Set<object>,
  levels: number,
): boolean {
  if (Object.getPrototypeOf(object) !== Object.prototype || types.isProxy(object)) return false
  for (const key in object) {
    // msgpackr renames `__proto__`; a clone keeps it as a property of its own.
    if (key === '__proto__' || !isPlainString(key)) return false
    if (!isPlainWithin(object[key], seen, levels - 1)) return false
  }
  return true
}
