import type { MailboxOptions, Overflow, Random, RestartOptions, Strategy } from '@kaitian/actors'
import type { Act, Aftermath, Child, Deed, Errand, Fault, Limits, Step, Where } from './script.js'

/** Writes the script for a seed. */
export function writeScript(random: Random): Step[] {
  return new Author(random).write()
}

const overflows: readonly Overflow[] = ['reject', 'drop-oldest', 'drop-newest', 'wait']
const strategies: readonly Strategy[] = ['one-for-one', 'one-for-all', 'rest-for-one']
const spans = [1, 2, 5, 10, 20, 50, 100, 200]
const places: readonly Where[] = ['inline', 'inline', 'thread', 'thread', 'process']
const aftermaths: readonly Aftermath[] = ['restart', 'restart', 'restart', 'kill', 'stop']
const faults: readonly Fault[] = ['crash', 'exit', 'stall', 'dropNext', 'delay', 'hang']

type Choice<T> = readonly [weight: number, make: () => T]

class Author {
  readonly #random: Random
  #slots = 0
  /** Of these, the ones on a thread or in a process. */
  readonly #apart: number[] = []
  #groups = 0
  #names = 0

  constructor(random: Random) {
    this.#random = random
  }

  write(): Step[] {
    const steps: Step[] = []
    for (let i = 1 + this.#below(3); i > 0; i--) steps.push(this.#spawn(), { do: 'advance', ms: 0 })
    for (let i = 5 + this.#below(20); i > 0; i--) {
      if (this.#apart.length > 0 && this.#chance(0.1)) steps.push(...this.#ambush())
      else steps.push(this.#step())
      if (this.#chance(0.4)) steps.push({ do: 'advance', ms: this.#chance(0.5) ? 0 : this.#span() })
    }
    const timeoutMs = this.#chance(0.3) ? { timeoutMs: this.#span() } : {}
    steps.push({ do: 'dispose', atRest: this.#chance(0.7), ...timeoutMs })
    return steps
  }

  #step(): Step {
    return this.#choose<Step>([
      [4, () => this.#spawn()],
      [1, () => this.#supervise()],
      [0.3, () => ({ do: 'stopGroup', group: this.#below(Math.max(1, this.#groups)) })],
      [3, () => this.#fault()],
      [1, () => ({ do: 'look' })],
      [14, () => this.#act(this.#slot(), 0)],
    ])
  }

  #spawn(): Step {
    const slot = this.#slots++
    const where = this.#choose<{ under?: number; group?: number }>([
      [5, () => ({})],
      [slot > 0 ? 3 : 0, () => ({ under: this.#below(slot) })],
      [this.#groups > 0 ? 3 : 0, () => ({ group: this.#below(this.#groups) })],
    ])
    const child = this.#child(0)
    if (child.on !== 'inline') this.#apart.push(slot)
    return { do: 'spawn', slot, ...where, child }
  }

  /** Ends it in the turn of an answer, while more of what it says is on its way. */
  #ambush(): Step[] {
    const to = this.#pick(this.#apart)
    const errand = { refs: [], deeds: [] }
    const after = this.#pick(aftermaths)
    const more = this.#several(1 + this.#below(4), (): Step => {
      const deeds = this.#chance(0.7) ? this.#burst(this.#below(4)) : []
      return { do: 'tell', to, errand: { refs: [], deeds }, times: this.#times() }
    })
    return [{ do: 'ask', to, errand, limits: {}, wait: false, after }, ...more]
  }

  #supervise(): Step {
    const group = this.#groups++
    return { do: 'supervise', group, strategy: this.#pick(strategies), restart: this.#restart() }
  }

  #fault(): Step {
    const fault = this.#pick(faults)
    return { do: 'fault', to: this.#slot(), fault, amount: this.#span() }
  }

  #child(depth: number): Child {
    const start: Deed[] = []
    const fails = { constructor: this.#fewLives(), start: this.#fewLives(), stop: this.#fewLives() }
    if (this.#chance(0.4)) start.push(this.#own())
    if (this.#chance(0.2)) start.push(this.#own())
    if (this.#chance(0.2)) start.push(this.#timer(2))
    if (this.#chance(0.2)) start.push({ do: 'pause' })
    if (this.#chance(0.1)) start.push({ do: 'sleep', ms: this.#span(), deaf: this.#chance(0.2) })
    if (depth < 2 && this.#chance(0.2)) start.push({ do: 'spawn', child: this.#child(depth + 1) })
    if (depth < 2 && this.#chance(0.15)) start.push(this.#group(depth))
    if (start.length > 0 && this.#chance(0.2)) start.push(this.#act(this.#below(4), 2))
    if (this.#chance(0.1)) start.push(...this.#burst(this.#below(4)))
    return {
      name: `a${this.#names++}`,
      on: this.#pick(places),
      ...(this.#chance(0.5) ? { mailbox: this.#mailbox() } : {}),
      ...(this.#chance(0.6) ? { restart: this.#restart() } : {}),
      ...(this.#chance(0.3) ? { stop: this.#limits() } : {}),
      fails,
      atStart: start,
      atStop: this.#chance(0.2) ? this.#deeds(2) : [],
    }
  }

  #group(depth: number): Deed {
    const children = this.#several(1 + this.#below(3), () => this.#child(depth + 1))
    const name = `g${this.#names++}`
    const strategy = this.#pick(strategies)
    return { do: 'supervise', name, strategy, restart: this.#restart(), children }
  }

  #fewLives(): number[] {
    return this.#chance(0.07) ? this.#several(1 + this.#below(2), () => this.#below(4)) : []
  }

  #mailbox(): Required<MailboxOptions> {
    return { capacity: 1 + this.#below(4), overflow: this.#pick(overflows) }
  }

  #restart(): RestartOptions {
    return {
      max: this.#below(4),
      withinMs: this.#pick([50, 200, 1000]),
      ...(this.#chance(0.5) ? { backoffMs: this.#pick([1, 10, 100]) } : {}),
      ...(this.#chance(0.2) ? { maxBackoffMs: 20 } : {}),
    }
  }

  #limits(): NonNullable<Child['stop']> {
    return {
      ...(this.#chance(0.7) ? { timeoutMs: this.#pick([0, 5, 50]) } : {}),
      ...(this.#chance(0.3) ? { abortMs: 5 } : {}),
      ...(this.#chance(0.3) ? { exitMs: 5 } : {}),
    }
  }

  #own(): Deed {
    const ms = this.#chance(0.5) ? 0 : this.#span()
    return { do: 'own', ms, fails: this.#chance(0.1), holds: this.#chance(0.02) }
  }

  #act(to: number, depth: number): Act {
    const errand = (): Errand => this.#errand(depth)
    return this.#choose<Act>([
      [6, () => ({ do: 'tell', to, errand: errand(), times: this.#times() })],
      [6, () => this.#ask(to, depth)],
      [2, () => this.#consume(to, depth)],
      [1, () => ({ do: 'room', to })],
      [2, () => this.#watch(to, depth)],
      [1, () => this.#stop(to)],
      [0.7, () => ({ do: 'kill', to, restart: this.#chance(0.5) })],
    ])
  }

  /** Asks in a row, each in a post of its own, and answered after a while. */
  #burst(to: number): Deed[] {
    const ms = this.#chance(0.5) ? 0 : this.#span()
    return this.#several(2 + this.#below(5), (): Deed[] => {
      const deeds: Deed[] = ms === 0 ? [] : [{ do: 'sleep', ms, deaf: false }]
      const limits = { timeoutMs: 200 }
      return [{ do: 'ask', to, errand: { refs: [], deeds }, limits, wait: false }, { do: 'pause' }]
    }).flat()
  }

  #times(): number {
    return this.#chance(0.6) ? 1 : 1 + this.#below(10)
  }

  #ask(to: number, depth: number): Act {
    const limits = this.#patience()
    // Those of an actor have a limit, or two that ask each other would wait for ever.
    if (depth > 0) limits.timeoutMs ??= this.#span()
    const errand = this.#errand(depth)
    if (this.#chance(0.3)) errand.deeds.unshift(this.#defer())
    // Who is killed or asked to stop should have something more to say.
    if (!this.#chance(0.2)) return { do: 'ask', to, errand, limits, wait: this.#chance(0.5) }
    if (depth < 3) errand.deeds.push(...this.#burst(this.#below(4)))
    return { do: 'ask', to, errand, limits, wait: false, after: this.#pick(aftermaths) }
  }

  #consume(to: number, depth: number): Act {
    const items = this.#below(12)
    const errand = { ...this.#errand(depth), items, itemMs: this.#chance(0.7) ? 0 : this.#span() }
    const take = this.#chance(0.3) ? { take: this.#below(items + 1) } : {}
    const { abort } = this.#patience()
    const limits = abort === undefined ? {} : { abort }
    return { do: 'consume', to, errand, limits, credit: 1 + this.#below(5), ...take }
  }

  #patience(): Limits {
    return {
      ...(this.#chance(0.4) ? { timeoutMs: this.#chance(0.1) ? 0 : this.#span() } : {}),
      ...(this.#chance(0.2) ? { abort: this.#pick(['before', 0, 1, 10, 50] as const) } : {}),
    }
  }

  #watch(to: number, depth: number): Act {
    const unwatch = this.#chance(0.2) ? { unwatchMs: this.#span() } : {}
    return { do: 'watch', to, deeds: depth === 0 ? [] : this.#deeds(2), ...unwatch }
  }

  #stop(to: number): Act {
    const timeoutMs = this.#chance(0.4) ? { timeoutMs: this.#span() } : {}
    return { do: 'stop', to, drain: this.#chance(0.5), ...timeoutMs }
  }

  #errand(depth: number): Errand {
    const junk = this.#chance(0.05) ? { junk: this.#pick(['message', 'answer'] as const) } : {}
    return {
      refs: this.#several(this.#below(3), () => this.#slot()),
      deeds: depth >= 3 ? [] : this.#deeds(depth + 1),
      ...junk,
    }
  }

  #deeds(depth: number): Deed[] {
    return this.#several(this.#below(4), () => this.#deed(depth))
  }

  #deed(depth: number): Deed {
    return this.#choose<Deed>([
      [6, () => this.#act(this.#below(4), depth)],
      [2, () => ({ do: 'pause' })],
      [2, () => ({ do: 'sleep', ms: this.#span(), deaf: this.#chance(0.2) })],
      [0.2, () => ({ do: 'hold', deaf: this.#chance(0.3) })],
      [1, () => ({ do: 'throw', what: this.#pick(['answer', 'fault']) })],
      [0.7, () => ({ do: 'stash', caught: this.#chance(0.4) })],
      [0.7, () => this.#defer()],
      [0.7, () => ({ do: 'unstash' })],
      [0.7, () => this.#timer(depth)],
      [0.7, () => this.#own()],
      [depth < 3 ? 0.5 : 0, () => ({ do: 'spawn', child: this.#child(1) })],
      [depth < 3 ? 0.2 : 0, () => this.#group(1)],
    ])
  }

  #defer(): Deed {
    const ms = this.#chance(0.4) ? 0 : this.#span()
    const how = this.#choose<(Deed & { do: 'defer' })['how']>([
      [8, () => 'reply'],
      [2, () => 'answer'],
      [1, () => 'fault'],
      [0.3, () => 'never'],
    ])
    return { do: 'defer', ms, how }
  }

  #timer(depth: number): Deed {
    const ms = this.#span()
    const deeds = depth >= 3 ? [] : this.#deeds(depth + 1)
    if (this.#chance(0.3)) return { do: 'every', ms, times: 1 + this.#below(3), deeds }
    return { do: 'after', ms, deeds, ...(this.#chance(0.2) ? { cancelMs: this.#span() } : {}) }
  }

  #slot(): number {
    return this.#below(Math.max(1, this.#slots))
  }

  #span(): number {
    return this.#pick(spans)
  }

  #below(limit: number): number {
    return this.#random.integer(limit)
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]
  }

  #several<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make)
  }

  #choose<T>(choices: readonly Choice<T>[]): T {
    let at = this.#random.next() * choices.reduce((sum, [weight]) => sum + weight, 0)
    const chosen = choices.find(([weight]) => (at -= weight) < 0) ?? choices[0]
    return chosen[1]()
  }
}
