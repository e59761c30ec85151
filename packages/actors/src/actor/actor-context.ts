import type {
  Context,
  Disposable,
  Down,
  Group,
  GroupOptions,
  KillOptions,
  MessageInHand,
  SpawnOptions,
  StopOptions,
} from '../api/context.js'
import type { Actor, Protocol } from '../api/protocol.js'
import type { ActorRef, Ref } from '../api/ref.js'
import { callback, checkArgument, positiveMs, type Rule } from '../checks.js'
import type { Clock } from '../clock.js'
import { openPool, type Pool, type PoolOptions } from '../pool/pool.js'
import type { Random } from '../random.js'
import { makeGroup } from '../supervision/group.js'
import { asRef } from './handle.js'
import type { Cell } from './cell.js'
import type { Incarnation } from './incarnation.js'

const noop = (): void => undefined

const disposable: Rule = {
  is: 'something with dispose, [Symbol.dispose] or [Symbol.asyncDispose]',
  fits: (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
    return Symbol.asyncDispose in value || Symbol.dispose in value || 'dispose' in value
  },
}

/** What an actor's methods are handed. Outlives its incarnation only to refuse. */
export class ActorContext implements Context {
  readonly #cell: Cell
  readonly #life: Incarnation
  #random: Random | undefined

  constructor(cell: Cell, life: Incarnation) {
    this.#cell = cell
    this.#life = life
  }

  get self(): Ref<Protocol> {
    return asRef(this.#cell.site.handle(this.#cell))
  }

  get clock(): Clock {
    return this.#cell.site.clock
  }

  get random(): Random {
    this.#random ??= this.#cell.site.random.fork(this.#cell.path).fork(this.#life.number)
    return this.#random
  }

  get signal(): AbortSignal {
    return this.#life.signal
  }

  get abortWord(): Int32Array {
    return this.#cell.site.abortWord
  }

  get message(): MessageInHand {
    return this.#cell.inHand.message(this.#life)
  }

  stash(): never {
    return this.#cell.inHand.stash(this.#life)
  }

  unstash(): void {
    if (this.#cell.life !== this.#life) return
    this.#cell.inHand.unstash()
    this.#cell.wake()
  }

  async spawn<P extends Protocol>(
    actor: Actor<P, never>,
    args?: unknown,
    options: SpawnOptions = {},
  ): Promise<Ref<P>> {
    return this.#cell.site.spawn(this.#life.family, actor, args, options)
  }

  supervise(options: GroupOptions): Group {
    return this.#life.family.supervise(options, makeGroup, (error) => {
      // One that is ending takes its groups with it.
      if (!this.#life.hasEnded) this.#cell.fail(this.#life, error)
    })
  }

  watch(ref: ActorRef, onDown: (down: Down) => void): () => void {
    checkArgument('ctx.watch()', 'the callback', onDown, callback)
    let watching = true
    const unwatch = this.#cell.site.watch(ref, (down) => {
      forget()
      this.#cell.notify(this.#life, 'deaths', () => {
        if (watching) onDown(down)
      })
    })
    const forget = this.#life.atEnd(unwatch)
    return () => {
      // The news may be in line already.
      watching = false
      forget()
      unwatch()
    }
  }

  stop(ref: ActorRef, options: StopOptions = {}): Promise<void> {
    return this.#cell.site.stop(ref, options)
  }

  kill(ref: ActorRef, options: KillOptions = {}): Promise<void> {
    return this.#cell.site.kill(ref, options)
  }

  own<T extends Disposable>(resource: T): T {
    checkArgument('ctx.own()', 'what is owned', resource, disposable)
    this.#life.own(resource)
    return resource
  }

  after(ms: number, fn: () => void): () => void {
    checkArgument('ctx.after()', 'fn', fn, callback)
    // Code that outlives its incarnation, maybe even the system, which then sets no timers any more.
    if (this.#life.hasEnded) return noop
    let cancelled = false
    const timer = this.#cell.site.wheel.after(ms, () => {
      forget()
      this.#cell.notify(this.#life, 'timers', () => {
        if (!cancelled) fn()
      })
    })
    const forget = this.#life.atEnd(() => timer.cancel())
    return () => {
      // It may be in line already.
      cancelled = true
      forget()
      timer.cancel()
    }
  }

  every(ms: number, fn: () => void): () => void {
    checkArgument('ctx.every()', 'ms', ms, positiveMs)
    checkArgument('ctx.every()', 'fn', fn, callback)
    if (this.#life.hasEnded) return noop
    const { wheel, clock } = this.#cell.site
    let due = clock.running() + ms
    let cancelled = false
    let inLine = false
    const turn = (): void => {
      inLine = false
      if (!cancelled) fn()
    }
    // Against the first due time, not from tick to tick: lateness does not add up.
    const arm = () => wheel.after(due - clock.running(), tick)
    const tick = (): void => {
      due = Math.max(due + ms, clock.running())
      timer = arm()
      // What a busy actor has no turn for does not pile up (A6).
      if (inLine) return
      inLine = true
      this.#cell.notify(this.#life, 'timers', turn)
    }
    let timer = arm()
    const forget = this.#life.atEnd(() => timer.cancel())
    return () => {
      cancelled = true
      forget()
      timer.cancel()
    }
  }

  pool<Task, Result>(options: PoolOptions): Pool<Task, Result> {
    return this.own(openPool<Task, Result>(options))
  }
}
