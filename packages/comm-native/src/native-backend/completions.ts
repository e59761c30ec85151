import type { Failure } from '../failure.js'
import type { NativeAddon } from '../native.js'

/** What native threads report to this JavaScript thread, as promises. */
export class Completions {
  readonly #waiting = new Map<number, (failure: Failure | undefined) => void>()
  #next = 0

  constructor(addon: NativeAddon) {
    addon.deliverTo((token, failure) => {
      const settle = this.#waiting.get(token)
      this.#waiting.delete(token)
      settle?.(failure)
    })
  }

  /** Calls `start` with a fresh token and resolves when that token is reported. */
  next(start: (token: number) => void): Promise<Failure | undefined> {
    const token = this.#next++ >>> 0
    return new Promise((resolve) => {
      this.#waiting.set(token, resolve)
      start(token)
    })
  }
}
