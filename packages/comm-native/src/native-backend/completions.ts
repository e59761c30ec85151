import type { Failure } from '../failure.js'
import type { NativeAddon } from '../native.js'

/** What native threads report to this JavaScript thread, as promises. */
export class Completions {
  readonly #waiting = new Map<number, (failure: Failure | undefined) => void>()
  #next = 0

  constructor(addon: NativeAddon) {
    const settle = (token: number, failure: Failure | undefined): void => {
      this.#waiting.get(token)?.(failure)
      this.#waiting.delete(token)
    }
    addon.onCompletion(() => addon.takeCompletions(settle))
  }

  /** A fresh one. */
  token(): number {
    return this.#next++ >>> 0
  }

  /** Resolves when the token is reported; to be called in the turn in which it was given away. */
  of(token: number): Promise<Failure | undefined> {
    return new Promise((resolve) => void this.#waiting.set(token, resolve))
  }

  /** Calls `start` with a fresh token and resolves when that token is reported. */
  next(start: (token: number) => void): Promise<Failure | undefined> {
    const token = this.token()
    start(token)
    return this.of(token)
  }
}
