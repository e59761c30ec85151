import { KaitianError } from '@kaitian/errors'
import type { Group, GroupOptions, SpawnOptions } from '../api/context.js'
import type { Actor, Protocol } from '../api/protocol.js'
import type { Ref } from '../api/ref.js'
import type { Sighting } from '../site/sighting.js'
import type { Site } from '../site/site.js'
import type { Timer } from '../wheel.js'
import type { Child } from './child.js'
import { Family, type MakeGroup } from './family.js'
import { unavailable, type End } from './failure.js'
import type { Guardian } from './guardian.js'
import type { Member } from './member.js'
import { checkSpawnOptions } from './options.js'
import { affected } from './strategy.js'

/**
 * Children that are restarted by one strategy. Recovery is one loop, so that failures which come
 * while it stops, waits or starts join it instead of racing it.
 */
class Supervision implements Group, Guardian, Member {
  readonly path: string
  readonly name: string
  home: Member['home']
  readonly #site: Site
  readonly #options: GroupOptions
  readonly #onEscalation: (error: KaitianError) => void
  readonly #family: Family
  /** Failed, and not yet looked at. */
  readonly #failed = new Set<Child>()
  /** Ended for now: to be started again. */
  readonly #down = new Set<Child>()
  #waitMs = 0
  #recovering = false
  #backoff: { timer: Timer; end: () => void } | undefined
  #gone: Promise<void> | undefined
  #isGone = false
  #lastFailure: string | undefined

  constructor(
    site: Site,
    path: string,
    name: string,
    options: GroupOptions,
    onEscalation: (error: KaitianError) => void,
  ) {
    this.#site = site
    this.path = path
    this.name = name
    this.#options = options
    this.#onEscalation = onEscalation
    this.#family = new Family(site, path, this)
  }

  async spawn<P extends Protocol>(
    actor: Actor<P, never>,
    args?: unknown,
    options: SpawnOptions = {},
  ): Promise<Ref<P>> {
    if (this.#gone !== undefined) throw unavailable(this.path, 'stopped')
    checkSpawnOptions(this.path, options)
    const { restart } = this.#options
    return this.#site.spawn(this.#family, actor, args, { restart, ...options })
  }

  stop(): Promise<void> {
    this.#gone ??= this.#end(() => this.#family.stop())
    return this.#gone
  }

  kill(): Promise<void> {
    // Also when it is stopping: what hangs there is let go of.
    const killed = this.#end(() => this.#family.kill())
    this.#gone ??= killed
    return killed
  }

  awaitsRestart(child: Child, afterMs: number): void {
    this.#failed.add(child)
    this.#waitMs = Math.max(this.#waitMs, afterMs)
    if (!this.#recovering) void this.#recover()
  }

  gaveUp(child: Child, end: End): void {
    if (this.#gone !== undefined) return
    const cause = end.error
    const error = new KaitianError(
      'ACTOR_FAILED',
      `${this.path} gave up: ${child.path} ended (${end.reason}) and has no restart left`,
      { cause, fields: { path: this.path, child: child.path } },
    )
    this.#lastFailure = error.message
    // First its own children, then those of its owner: never two of them at once.
    void this.stop().then(() => this.#onEscalation(error))
  }

  async snapshot(): Promise<Sighting> {
    return {
      path: this.path,
      placement: 'group',
      state: this.#isGone
        ? 'gone'
        : this.#gone !== undefined
          ? 'stopping'
          : this.#recovering
            ? 'restarting'
            : 'idle',
      incarnation: 0,
      restarts: 0,
      ...(this.#lastFailure === undefined ? {} : { lastFailure: this.#lastFailure }),
      children: await this.#family.snapshot(),
    }
  }

  /** Stops whom the strategy takes along, last started first; waits; starts them in order. */
  async #recover(): Promise<void> {
    this.#recovering = true
    while (this.#failed.size > 0 || this.#down.size > 0) {
      const children = this.#family.children()
      for (const child of affected(this.#options.strategy, children, this.#failed)) {
        this.#down.add(child)
      }
      this.#failed.clear()
      for (const child of children.toReversed()) {
        if (this.#down.has(child)) await child.pause()
      }
      await this.#wait()
      if (this.#gone !== undefined) break
      // A failure while they were being stopped may take more of them along.
      if (this.#failed.size === 0) await this.#startAll()
    }
    this.#recovering = false
  }

  async #startAll(): Promise<void> {
    for (const child of this.#family.children()) {
      if (!this.#down.delete(child)) continue
      await child.resume()
      // It did not start, or another failed meanwhile: begin again with those that are left.
      if (this.#failed.size > 0 || this.#gone !== undefined) return
    }
    // Who is still noted was stopped for good meanwhile.
    this.#down.clear()
  }

  #wait(): Promise<void> {
    const waitMs = this.#waitMs
    this.#waitMs = 0
    if (waitMs === 0 || this.#gone !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#backoff = { timer: this.#site.wheel.after(waitMs, resolve), end: resolve }
    })
  }

  async #end(how: () => Promise<void>): Promise<void> {
    this.#backoff?.timer.cancel()
    this.#backoff?.end()
    await how()
    if (this.#isGone) return
    this.#isGone = true
    this.home?.left(this)
  }
}

/** For `Family.supervise`. */
export const makeGroup: MakeGroup = (...args) => new Supervision(...args)
