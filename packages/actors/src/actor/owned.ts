import type { Disposable } from '../api/context.js'

/** What one incarnation owns, disposed last in, first out. */
export class Owned {
  #resources: Disposable[] = []
  #disposed = false

  /** False when it is too late to own anything: the caller disposes of it. */
  add(resource: Disposable): boolean {
    if (this.#disposed) return false
    this.#resources.push(resource)
    return true
  }

  /** Goes on past a resource that throws; returns what was thrown. */
  async dispose(): Promise<unknown[]> {
    this.#disposed = true
    const errors: unknown[] = []
    const resources = this.#resources
    this.#resources = []
    for (const resource of resources.toReversed()) {
      try {
        await disposeOf(resource)
      } catch (error) {
        errors.push(error)
      }
    }
    return errors
  }
}

/** By the most specific of its methods. */
export async function disposeOf(resource: Disposable): Promise<void> {
  if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]()
  else if (Symbol.dispose in resource) resource[Symbol.dispose]()
  else await resource.dispose()
}
