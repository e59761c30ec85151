import { KaitianError } from '@kaitian/errors'
import { Cell } from '../actor/cell.js'
import { Handle } from '../actor/handle.js'
import type { CellFaults } from '../actor/receiver.js'
import type { Target } from '../actor/target.js'
import type { ActorRef, TellOutcome } from '../api/ref.js'
import { checkArgument, limitMs, wholeFrom, wholeNumber } from '../checks.js'
import { firstActorId, rootSite } from '../site/wire.js'
import type { Site } from '../site/site.js'
import { faultOf } from '../supervision/failure.js'
import type { Timer } from '../wheel.js'
import type { SimWorld } from './sim-world.js'

/** What can be done to an actor of a test system. Each takes effect at once, and is in the trace. */
export interface Faults {
  /** Its incarnation fails, as if a handler had thrown `error`. */
  crash(ref: ActorRef, error?: Error): void
  /** Its simulated thread or process dies at once. */
  exit(ref: ActorRef, code?: number): void
  /** It takes no turn, for `ms` or until the returned function is called. */
  stall(ref: ActorRef, ms?: number): () => void
  /** The next `count` messages to it are dropped: dead letters, reason `dropped`. */
  dropNext(ref: ActorRef, count?: number): void
  /** Messages to it arrive `ms` later, in order, until the returned function is called. */
  delay(ref: ActorRef, ms: number): () => void
  /**
   * Its simulated thread does not end when it is terminated, as native code that never returns.
   * There is no such thing for a process, which can always be killed.
   */
  hang(ref: ActorRef): void
}

/** The faults of one actor. */
class CellDamage implements CellFaults {
  readonly #cell: Cell
  stalls = 0
  #drops = 0
  readonly #delays = new Set<{ ms: number }>()
  /** Delayed messages under way, and when the last of them arrives: later ones stay behind them. */
  readonly #under: { timer: Timer; deliver: () => void }[] = []
  #lastDue = 0

  constructor(cell: Cell) {
    this.#cell = cell
    // Who has sent them shall not wait for ever.
    cell.child.onGone(() => {
      for (const { timer, deliver } of this.#under.splice(0)) {
        timer.cancel()
        deliver()
      }
    })
  }

  get stalled(): boolean {
    return this.stalls > 0
  }

  drop(count: number): void {
    this.#drops += count
  }

  delay(ms: number): () => void {
    const delay = { ms }
    this.#delays.add(delay)
    return () => void this.#delays.delete(delay)
  }

  intercept(deliver: () => TellOutcome, drop: () => TellOutcome): TellOutcome | undefined {
    if (this.#drops > 0) {
      this.#drops--
      return drop()
    }
    const ms = [...this.#delays].reduce((sum, delay) => sum + delay.ms, 0)
    if ((ms === 0 && this.#under.length === 0) || this.#cell.child.end !== undefined) {
      return undefined
    }
    const { clock, wheel } = this.#cell.site
    this.#lastDue = Math.max(this.#lastDue, clock.running() + ms)
    const timer = wheel.after(this.#lastDue - clock.running(), () => {
      this.#under.shift()
      deliver()
    })
    this.#under.push({ timer, deliver })
    return 'queued'
  }
}

export class SimFaults implements Faults {
  readonly #root: Site
  readonly #world: SimWorld
  readonly #damages = new WeakMap<Cell, CellDamage>()

  constructor(root: Site, world: SimWorld) {
    this.#root = root
    this.#world = world
  }

  crash(ref: ActorRef, error: Error = new Error('crashed by the test')): void {
    const cell = this.#cellOf(ref)
    this.#world.note(cell.path, `fault: crash (${error.message})`)
    if (cell.life !== undefined) cell.fail(cell.life, faultOf(cell.path, 'a test', error))
  }

  exit(ref: ActorRef, code = 1): void {
    checkArgument('exit()', 'code', code, wholeNumber)
    const { site } = targetOf(ref).address
    if (site === rootSite) {
      throw new KaitianError('BAD_ARGUMENT', `${ref.path} is inline: it has no thread to end`)
    }
    this.#world.note(ref.path, 'fault: exit')
    this.#world.vessels.get(site)?.die(code)
  }

  stall(ref: ActorRef, ms?: number): () => void {
    if (ms !== undefined) checkArgument('stall()', 'ms', ms, limitMs)
    const cell = this.#cellOf(ref)
    const damage = this.#damageOf(cell)
    damage.stalls++
    this.#world.note(cell.path, 'fault: stall')
    let over = false
    const resume = (): void => {
      if (over) return
      over = true
      damage.stalls--
      cell.wake()
    }
    if (ms !== undefined) this.#root.wheel.after(ms, resume)
    return resume
  }

  dropNext(ref: ActorRef, count = 1): void {
    checkArgument('dropNext()', 'count', count, wholeFrom(0))
    const cell = this.#cellOf(ref)
    this.#world.note(cell.path, `fault: drop ${count}`)
    this.#damageOf(cell).drop(count)
  }

  delay(ref: ActorRef, ms: number): () => void {
    checkArgument('delay()', 'ms', ms, limitMs)
    const cell = this.#cellOf(ref)
    this.#world.note(cell.path, `fault: delay ${ms} ms`)
    return this.#damageOf(cell).delay(ms)
  }

  hang(ref: ActorRef): void {
    const { site, id } = targetOf(ref).address
    const vessel = this.#world.vessels.get(site)
    if (site === rootSite || id !== firstActorId || vessel?.isProcess === true) {
      throw new KaitianError('BAD_ARGUMENT', `${ref.path} has no simulated thread of its own`)
    }
    if (vessel === undefined) throw absent(ref)
    this.#world.note(ref.path, 'fault: hang')
    vessel.hangs = true
  }

  #damageOf(cell: Cell): CellDamage {
    let damage = this.#damages.get(cell)
    if (damage === undefined) {
      damage = new CellDamage(cell)
      this.#damages.set(cell, damage)
      cell.faults = damage
    }
    return damage
  }

  #cellOf(ref: ActorRef): Cell {
    const target = targetOf(ref)
    if (target instanceof Cell) return target
    const { site, id } = target.address
    const cell = this.#world.sites.get(site)?.nursery.cell(id)
    if (cell !== undefined) return cell
    throw absent(ref)
  }
}

function absent({ path }: ActorRef): KaitianError {
  return new KaitianError('BAD_ARGUMENT', `${path} is not there just now`, { fields: { path } })
}

function targetOf(ref: ActorRef): Target {
  if (ref instanceof Handle) return Handle.targetOf(ref)
  const path = typeof ref?.path === 'string' ? ref.path : 'What was given'
  const isGroup = typeof ref === 'object' && ref !== null && 'spawn' in ref
  const what = isGroup ? 'a group' : "no actor's ref"
  throw new KaitianError('BAD_ARGUMENT', `${path} is ${what}; faults are of actors`)
}
