/** What a handler or a schema may have returned, told apart by shape: it may come from another realm. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as PromiseLike<unknown>).then === 'function'
  )
}

/** Nobody wants to know what it settles with. */
export function ignore(result: unknown): void {
  try {
    if (isThenable(result)) result.then(undefined, () => undefined)
  } catch {
    // Nor how its `then` fails.
  }
}

export function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    (Symbol.asyncIterator in value || Symbol.iterator in value)
  )
}
