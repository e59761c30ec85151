import { types } from 'node:util'

/** Deeper data is taken for a mistake: what carries it would run out of stack. */
const deepest = 64

/**
 * More is no account of a failure but its data: values and characters, counted as JSON writes them,
 * where what is shared comes again each time.
 */
const largest = 1_000_000

/** A longer text is cut: it is in a message, its stack and the sentence that quotes it. */
const longest = 100_000

/** In place of what is not there to be had: it threw, or is no plain data. */
export const unreadable = Symbol('unreadable')

/**
 * A copy of what structured clone, msgpack and JSON all carry: strings, numbers, booleans, null,
 * undefined, and arrays and plain objects of such. No bigints, which JSON refuses, and no cycles.
 * A copy, because a getter may give something else the next time, or throw.
 */
export function plainCopy(value: unknown): unknown {
  try {
    return new Copier().copy(value, 0)
  } catch {
    return unreadable
  }
}

/** Throws at the first that is no plain data. */
class Copier {
  #left = largest
  readonly #known = new Map<object, { copy: object; size: number } | 'open'>()

  copy(value: unknown, depth: number): unknown {
    if (typeof value === 'string') this.#spend(value.length)
    this.#spend(1)
    if (value === null || value === undefined) return value
    if (typeof value !== 'object') {
      if (['string', 'number', 'boolean'].includes(typeof value)) return value
      throw unreadable
    }
    const known = this.#known.get(value)
    if (known === undefined) return this.#copyNew(value, depth)
    if (known === 'open') throw unreadable
    this.#spend(known.size)
    return known.copy
  }

  #copyNew(value: object, depth: number): object {
    if (depth === deepest || isExotic(value)) throw unreadable
    const isArray = Array.isArray(value)
    if (!isArray && !isPlainObject(value)) throw unreadable
    this.#known.set(value, 'open')
    const before = this.#left
    // Also what an array leaves out, for JSON writes it.
    if (isArray) this.#spend(value.length)
    const copy: object = isArray ? [] : {}
    for (const key of Object.keys(value)) {
      this.#spend(key.length)
      define(copy, key, this.copy(Reflect.get(value, key), depth + 1))
    }
    if (isArray) (copy as unknown[]).length = value.length
    this.#known.set(value, { copy, size: before - this.#left })
    return copy
  }

  #spend(size: number): void {
    this.#left -= size
    if (this.#left < 0) throw unreadable
  }
}

/** As a property of its own, whatever its name: `__proto__` too. */
export function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  })
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
  const found = {}
  for (const name of namesOf(of)) {
    if (except.includes(name)) continue
    const value = plainCopy(read(of, name))
    if (value !== unreadable) define(found, name, value)
  }
  return found
}

/** None of what does not say. */
function namesOf(of: object): string[] {
  try {
    return Object.keys(of)
  } catch {
    return []
  }
}

/** What is read of somebody else's object: a getter or a proxy may throw. */
export function read(of: object, name: string): unknown {
  try {
    return Reflect.get(of, name)
  } catch {
    return unreadable
  }
}

/** Any value in words; some objects refuse `String`, and some are too long to be carried about. */
export function textOf(value: unknown): string {
  let text: string
  try {
    text = String(value)
  } catch {
    return 'a value that cannot be printed'
  }
  if (text.length <= longest) return text
  return `${text.slice(0, longest)}… (${text.length - longest} characters more)`
}
