import { types } from 'node:util'

/** Deeper data is taken for a mistake: what carries it would run out of stack. */
const deepest = 64

/**
 * Whether structured clone, msgpack and JSON all carry it: strings, numbers,
 * booleans, null, undefined, and arrays and plain objects of such. No bigints,
 * which JSON refuses, and no cycles.
 */
export function isPlain(value: unknown): boolean {
  try {
    return holdsPlain(value, new Map(), 0)
  } catch {
    // A getter threw.
    return false
  }
}

function holdsPlain(value: unknown, known: Map<object, 'open' | 'plain'>, depth: number): boolean {
  if (value === null || value === undefined) return true
  if (typeof value !== 'object') return ['string', 'number', 'boolean'].includes(typeof value)
  const state = known.get(value)
  if (state !== undefined) return state === 'plain'
  if (depth === deepest || isExotic(value)) return false
  if (!Array.isArray(value) && !isPlainObject(value)) return false
  known.set(value, 'open')
  if (!Object.values(value).every((inner) => holdsPlain(inner, known, depth + 1))) return false
  known.set(value, 'plain')
  return true
}

/** They look like plain objects, but cannot be cloned. */
function isExotic(value: object): boolean {
  return types.isProxy(value) || types.isExternal(value) || types.isModuleNamespaceObject(value)
}

/** Also one of another realm. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** The plain ones among the own enumerable properties, without those named in `except`. */
export function plainProperties(
  of: object,
  except: readonly string[] = [],
): Record<string, unknown> {
  const found: [string, unknown][] = []
  for (const name of Object.keys(of)) {
    if (except.includes(name)) continue
    // Read once and kept, for a getter may give something else the next time.
    const value = read(of, name)
    if (value !== unreadable && isPlain(value)) found.push([name, value])
  }
  return Object.fromEntries(found)
}

const unreadable = Symbol('unreadable')

function read(of: object, name: string): unknown {
  try {
    return Reflect.get(of, name)
  } catch {
    return unreadable
  }
}

/** Any value in words; some objects refuse `String`. */
export function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'a value that cannot be printed'
  }
}
