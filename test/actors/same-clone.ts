import { deepStrictEqual } from 'node:assert/strict'
import * as assert from 'uvu/assert'

/**
 * Two clones of one value must agree in every part, and in which parts are one and the same:
 * deepStrictEqual does not tell `[a, a]` from `[a, b]`.
 */
export function assertSameClone(actual: unknown, expected: unknown): void {
  deepStrictEqual(actual, expected)
  assert.equal(identities(actual), identities(expected), 'shared parts')
}

/** For each object met on the way, the number of the object that it is, in order of discovery. */
function identities(value: unknown): number[] {
  const numbers = new Map<object, number>()
  const met: number[] = []
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return
    const known = numbers.get(part)
    met.push(known ?? numbers.size)
    if (known !== undefined) return
    numbers.set(part, numbers.size)
    for (const inner of partsOf(part)) visit(inner)
  }
  visit(value)
  return met
}

function partsOf(container: object): unknown[] {
  if (ArrayBuffer.isView(container)) return [container.buffer, container.byteOffset]
  if (container instanceof Map) return [...container.entries()].flat()
  if (container instanceof Set) return [...container]
  return Object.values(container)
}
