import type { Disposable } from '../api/context.js'

/** What one incarnation owns, disposed last in, first out. */
export class Owned {
  /** Of an incarnation that ended without having owned anything. */
  static readonly disposed = Owned.#closed()

  #resources: Disposable[] = []
  #disposing: Promise<unknown[]> | undefined

  static #closed(): Owned {
    const owned = new Owned()
    owned.#disposing = Promise.resolve([])
    return owned
  }

  /** False when it is too late to own anything: the caller disposes of it. */
  add(resource: Disposable): boolean {
    if (this.#disposing !== undefined) return false
    this.#resources.push(resource)
    return true
  }

  /**
   * Goes on past a resource that throws; returns what was thrown, to the first who calls.
   *
   * @param run runs the disposal of each as code of the actor
   */
  async dispose(run: (disposal: () => Promise<void>) => Promise<void>): Promise<unknown[]> {
    if (this.#disposing !== undefined) {
      await this.#disposing
      return []
    }
    this.#disposing = this.#disposeAll(run)
    return this.#disposing
  }

  async #disposeAll(run: (disposal: () => Promise<void>) => Promise<void>): Promise<unknown[]> {
    const errors: unknown[] = []
    const resources = this.#resources
    this.#resources = []
    for (const resource of resources.toReversed()) {
      try {
        await run(() => disposeOf(resource))
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
