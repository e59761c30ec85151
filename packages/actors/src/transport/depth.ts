/**
 * Whether a serialiser that goes depth first and visits each object once, as V8's does, nests
 * deeper than `levels`. On a list of linked objects that is as deep as the list is long.
 */
export function isDeeperThan(levels: number, value: unknown, seen = new Set<object>()): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value)) return false
  if (levels === 0) return true
  seen.add(value)
  for (const inner of innerValues(value)) {
    if (isDeeperThan(levels - 1, inner, seen)) return true
  }
  return false
}

function innerValues(value: object): readonly unknown[] {
  if (ArrayBuffer.isView(value)) return []
  if (value instanceof Map) return [...value].flat()
  if (value instanceof Set) return [...value]
  return Object.values(value)
}
