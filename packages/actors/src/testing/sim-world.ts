import type { ActorClass, Protocol } from '../api/protocol.js'
import type { Clock } from '../clock.js'
import type { Launch, Remote } from '../host/vessel.js'
import type { Random } from '../random.js'
import type { SiteWorld } from '../site/site.js'
import type { Site } from '../site/site.js'
import type { SiteData, SiteId } from '../site/wire.js'
import type { Switchboard } from '../transport/switchboard.js'
import { Habitat } from './habitat.js'
import { MemoryPort } from './memory-port.js'
import { SeededTurns, type Arena } from './seeded-turns.js'
import { SimVessel } from './sim-vessel.js'

/** Stands for an end of a port on its way: a port cannot be cloned. */
interface Token {
  readonly number: number
}

/** What all simulated threads and processes of one test system share. */
export class SimWorld {
  readonly clock: Clock
  readonly #random: Random
  readonly #arena: Arena
  readonly #note: (path: string, what: string) => void
  /** Of what happens between threads: posts on their way, exits. */
  readonly air: SeededTurns
  readonly #ends = new Map<number, MemoryPort>()
  #lastEnd = 0
  /** Of those that live. */
  readonly sites = new Map<SiteId, Site>()
  /** Those that have not ended. */
  readonly vessels = new Map<SiteId, SimVessel>()

  constructor(
    clock: Clock,
    random: Random,
    arena: Arena,
    note: (path: string, what: string) => void,
  ) {
    this.clock = clock
    this.#random = random
    this.#arena = arena
    this.#note = note
    this.air = new SeededTurns(arena)
  }

  /** What a new thread lives on. */
  habitat(): Habitat {
    return new Habitat(this.clock, this.#arena)
  }

  /** Two ends of a connection. */
  pair(): [MemoryPort, MemoryPort] {
    return MemoryPort.pair(this.air, (token) => this.#take(token).close())
  }

  /** @param below the vessels that the site has launched, and that have not ended */
  worldFor(habitat: Habitat, random: Random, below: Set<SimVessel>): SiteWorld {
    const launch: Launch = (on, data, actor) => {
      const vessel = this.#launch(on, data, actor, habitat)
      below.add(vessel)
      void vessel.exited.then(() => below.delete(vessel))
      return vessel
    }
    return {
      clock: habitat.clock,
      random,
      scheduler: habitat.scheduler,
      switchboard: this.#switchboard(habitat),
      launch,
      tracer: this.#note,
    }
  }

  ended(site: SiteId, vessel: SimVessel): void {
    this.sites.delete(site)
    if (this.vessels.get(site) === vessel) this.vessels.delete(site)
  }

  note(path: string, what: string): void {
    this.#note(path, what)
  }

  get random(): Random {
    return this.#random
  }

  #launch(
    on: Remote,
    data: SiteData,
    actor: ActorClass<Protocol, unknown>,
    parent: Habitat,
  ): SimVessel {
    const placement = 'thread' in on ? 'sim-thread' : 'sim-process'
    const vessel = new SimVessel(this, placement, data, actor, parent)
    this.vessels.set(data.site, vessel)
    return vessel
  }

  #switchboard(habitat: Habitat): Switchboard {
    const refuse = (): never => {
      throw new Error('simulated sites are all near each other')
    }
    return {
      near: () => true,
      pair: () => {
        const [one, other] = this.pair()
        return [this.#tokenFor(one), this.#tokenFor(other)]
      },
      toPort: (token) => habitat.add(this.#take(token)),
      discard: (token) => this.#take(token).close(),
      listen: refuse,
      dial: refuse,
      close: () => undefined,
    }
  }

  #tokenFor(end: MemoryPort): Token {
    const number = ++this.#lastEnd
    this.#ends.set(number, end)
    return { number }
  }

  #take(token: unknown): MemoryPort {
    const { number } = token as Token
    const end = this.#ends.get(number) as MemoryPort
    this.#ends.delete(number)
    return end
  }
}
