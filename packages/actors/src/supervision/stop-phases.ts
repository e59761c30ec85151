import type { KaitianError } from '@kaitian/errors'
import type { StopLimits } from '../api/context.js'
import { deferred } from '../deferred.js'
import type { Timer, TimerWheel } from '../wheel.js'
import type { Body } from './body.js'
import { stopLimit } from './options.js'

/** How an incarnation ended that was told to. */
export interface Stopped {
  /** It did not do so by itself. */
  forced: boolean
  /** It does not end. */
  error: KaitianError | undefined
}

const byItself: Stopped = { forced: false, error: undefined }

/** How one incarnation is ended, each phase with a limit: in good order, by the abort word, by force. */
export class StopPhases {
  readonly #body: Body
  readonly #wheel: TimerWheel
  readonly #limits: StopLimits | undefined
  readonly #again: boolean
  readonly #stopped = deferred<Stopped>()

  /** @param again another incarnation follows */
  constructor(body: Body, wheel: TimerWheel, limits: StopLimits | undefined, again: boolean) {
    this.#body = body
    this.#wheel = wheel
    this.#limits = limits
    this.#again = again
  }

  /**
   * All of them, one after the other, until `ended`: the order to stop is out.
   *
   * @param onForce what ends from here on does not do so by itself
   */
  async run(
    ended: Promise<void>,
    timeoutMs: number | undefined,
    onForce: () => void,
  ): Promise<Stopped> {
    let timer: Timer | undefined
    let forcing = false
    const force = (): void => {
      forcing = true
      onForce()
      void this.force().then((error) => this.#stopped.resolve({ forced: true, error }))
    }
    const abort = (): void => {
      if (this.#body.abort()) timer = this.#wheel.after(this.#limitOf('abortMs'), force)
      else force()
    }
    const limit = timeoutMs ?? this.#limitOf('timeoutMs')
    if (limit !== Infinity) timer = this.#wheel.after(limit, abort)
    void ended.then(() => (forcing ? undefined : this.letGo()))
    const stopped = await this.#stopped.promise
    timer?.cancel()
    return stopped
  }

  /** The last one alone: a kill. Resolves with an error when it does not end. */
  force(): Promise<KaitianError | undefined> {
    return this.#body.kill(this.#again, this.#limitOf('exitMs'))
  }

  /** Who ends it otherwise waits for nothing here. */
  letGo(): void {
    this.#stopped.resolve(byItself)
  }

  #limitOf(name: keyof StopLimits): number {
    return stopLimit(this.#limits, name)
  }
}
