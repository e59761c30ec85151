import { KaitianError } from '@kaitian/errors'
import type { TestSystem } from '@kaitian/actors/testing'
import { Life } from './life.js'
import { Mail } from './mail.js'
import type { Fault } from './script.js'

const witnesses = new Map<number, Witness>()
let runs = 0

export type Invariant = `A${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`

/** A promise that must settle. */
interface Expected {
  what: string
  /** Whose code waits for it. */
  life: Life | undefined
}

/**
 * What the actors of one run saw themselves. Simulated threads share this one's memory, so all of
 * them write it down here, and nothing of it comes from the runtime that is tried.
 */
export class Witness {
  /** By which actors find it: a witness cannot be sent to them. */
  readonly run = ++runs
  readonly mail = new Mail(this)
  readonly system: TestSystem
  /** By path, oldest first. */
  readonly lives = new Map<string, Life[]>()
  /** Those that the test did. */
  readonly faults = new Set<Fault>()
  readonly lines: string[] = []
  readonly #expected = new Set<Expected>()
  readonly #violations: string[] = []
  /** Whether the thread of that actor runs. */
  readonly #threads = new Map<string, boolean>()
  /** Of actors whose thread never ends. */
  readonly #stuck = new Set<string>()
  #looked = 0
  /** Threads that died without having ended. */
  deaths = 0
  /** Those that ended in good order: what they had sent may have been handled and not yet told of. */
  goodEnds = 0
  /** Some actor was ended with a message in hand, maybe. */
  letGo = false

  constructor(system: TestSystem) {
    this.system = system
    witnesses.set(this.run, this)
    system.events.on('dead-letter', (letter) => {
      this.mail.dead(letter)
      if (letter.reason === 'killed' || letter.reason === 'failed') this.letGo = true
    })
  }

  static of(run: number): Witness {
    const witness = witnesses.get(run)
    if (witness === undefined) throw new Error(`run ${run} is over`)
    return witness
  }

  log(line: string): void {
    this.lines.push(line)
  }

  violate(invariant: Invariant, what: string): void {
    this.#violations.push(`${invariant}: ${what}`)
  }

  /** Throws what was found. */
  verify(): void {
    if (this.#violations.length > 0) throw new Error(this.#violations.join('\n'))
  }

  close(): void {
    witnesses.delete(this.run)
  }

  /** A5: an actor's constructor runs. */
  begin(path: string, exitMs: number): Life {
    this.look()
    const before = this.lives.get(path) ?? []
    const life = new Life(this, path, before.length, exitMs)
    this.lives.set(path, [...before, life])
    life.lost = this.#isGhost(path)
    if (life.lost) return life
    const last = before.at(-1)
    if (last !== undefined) this.#checkGone(life, last)
    if (this.#stuck.has(path)) this.violate('A5', `${life.name} began, but its thread never ended`)
    this.log(`${life.name} constructor`)
    return life
  }

  /** Something hangs, or takes longer than is waited for, so that an actor may be quarantined. */
  get stuck(): boolean {
    return this.faults.has('hang') || this.all.some(({ lingers }) => lingers)
  }

  get all(): Life[] {
    return [...this.lives.values()].flat()
  }

  #checkGone(next: Life, last: Life): void {
    const problem = this.#stillThere(last)
    if (problem !== undefined) this.violate('A5', `${next.name} began, but ${problem}`)
    for (const [path, lives] of this.lives) {
      if (!path.startsWith(`${next.path}/`)) continue
      for (const life of lives) {
        const below = this.#stillThere(life)
        if (below !== undefined) this.violate('A5', `${next.name} began, but below it ${below}`)
      }
    }
  }

  #stillThere(life: Life): string | undefined {
    if (!life.hasEnded) return `${life.name} has not ended`
    // A child whose disposal hangs is let go of, and its parent goes on.
    const letGo = life.path.split('/').length > 2 && life.lingers
    return life.owes.length === 0 || letGo
      ? undefined
      : `${life.name} has not disposed of what it owned`
  }

  /** Notes which threads have died since it looked last. */
  look(): void {
    const { trace } = this.system
    for (; this.#looked < trace.length; this.#looked++) {
      const { path, what } = trace[this.#looked]
      const [, news, code] = /^sim-\w+ (starts|does not end|exits with (\d+))$/.exec(what) ?? []
      if (news === undefined) continue
      this.#threads.set(path, news === 'starts')
      if (news === 'starts') continue
      if (news === 'does not end') this.#stuck.add(path)
      // A fault may end what would not have ended by itself.
      else this.#stuck.delete(path)
      if (code === '0') this.goodEnds++
      else this.deaths++
      this.#lose(path, code === '0')
    }
  }

  /** What is left of the code of a thread that is gone may still start actors. */
  #isGhost(path: string): boolean {
    return [...this.#threads].some(
      ([top, running]) => !running && (path === top || path.startsWith(`${top}/`)),
    )
  }

  #lose(top: string, inOrder: boolean): void {
    for (const [path, lives] of this.lives) {
      if (path !== top && !path.startsWith(`${top}/`)) continue
      for (const life of lives) {
        const problem = inOrder ? this.#stillThere(life) : undefined
        if (problem !== undefined) this.violate('A5', `the thread of ${top} left, but ${problem}`)
        life.lost = true
      }
    }
  }

  /** A3: it must settle by the end, unless the thread of the code that waits is gone. */
  expect<T>(what: string, promise: Promise<T>, life?: Life): Promise<T> {
    const expected = { what, life }
    this.#expected.add(expected)
    const settled = (): void => {
      this.#expected.delete(expected)
    }
    promise.then(settled, settled)
    return promise
  }

  /** What has not settled. */
  get unsettled(): string[] {
    this.look()
    return [...this.#expected]
      .filter(({ life }) => life?.lost !== true)
      .map(({ what, life }) => `${what} of ${life?.name ?? 'the test'}`)
  }

  /** Timers on the clock that are none of the runtime's. */
  get sleeping(): number {
    return this.all.reduce((sum, { lost, sleeping }) => sum + (lost ? 0 : sleeping), 0)
  }

  /** The life of that name has ended. */
  isOver(name: string | undefined): boolean {
    const [path, number] = (name ?? '').split('#')
    return this.lives.get(path)?.[Number(number)]?.hasEnded ?? true
  }

  /** Fails when `error` is not one of those that are documented for this. */
  checkCode(what: string, error: unknown, codes: readonly string[]): void {
    const code = error instanceof KaitianError ? error.code : String(error)
    if (!codes.includes(code)) this.violate('A3', `${what} failed with ${code}: ${String(error)}`)
  }
}
