import { sleepOn, type Clock } from '../clock.js'
import type { MemoryPort } from './memory-port.js'
import { SeededTurns, type Arena } from './seeded-turns.js'

/**
 * What a simulated thread takes its time, turns and messages from. When it dies they end, for what
 * is left of its code would otherwise go on: only a real thread takes its code along.
 */
export class Habitat {
  readonly clock: MortalClock
  readonly scheduler: SeededTurns
  readonly #ports = new Set<MemoryPort>()
  #dead = false

  constructor(clock: Clock, arena: Arena) {
    this.clock = new MortalClock(clock)
    this.scheduler = new SeededTurns(arena)
  }

  get dead(): boolean {
    return this.#dead
  }

  /** A port of this thread. */
  add(port: MemoryPort): MemoryPort {
    this.#ports.add(port)
    void port.gone.then(() => this.#ports.delete(port))
    return port
  }

  /** Nothing happens any more, but the others do not know. */
  freeze(): void {
    this.#dead = true
    this.clock.end()
    this.scheduler.close()
    for (const port of this.#ports) port.freeze()
  }

  /** Nothing happens any more, and the other ends of its ports close. */
  end(): void {
    this.freeze()
    for (const port of this.#ports) port.close()
  }
}

/** A clock whose timers can be brought to an end. */
class MortalClock implements Clock {
  readonly #clock: Clock
  readonly #timers = new Set<() => void>()
  #ended = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  running(): number {
    return this.#clock.running()
  }

  wallTime(): Date {
    return this.#clock.wallTime()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal)
  }

  after(ms: number, fn: () => void): () => void {
    if (this.#ended) return () => undefined
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(cancel)
      fn()
    })
    this.#timers.add(cancel)
    return () => {
      this.#timers.delete(cancel)
      cancel()
    }
  }

  end(): void {
    this.#ended = true
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }
}
