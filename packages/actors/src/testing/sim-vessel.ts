import type { ActorClass, Protocol } from '../api/protocol.js'
import { AbortWord } from '../host/abort-word.js'
import { runSite } from '../host/site-main.js'
import { Vessel } from '../host/vessel.js'
import { seededRandom } from '../random.js'
import type { SiteData } from '../site/wire.js'
import type { Port } from '../transport/port.js'
import type { Habitat } from './habitat.js'
import type { MemoryPort } from './memory-port.js'
import type { SimWorld } from './sim-world.js'

/**
 * A thread or process that is simulated in this thread: a site of its own, to which messages are
 * cloned, and which can die at any moment. It says `sim` in its name.
 */
export class SimVessel extends Vessel {
  readonly placement: 'sim-thread' | 'sim-process'
  readonly port: MemoryPort
  readonly #world: SimWorld
  readonly #data: SiteData
  readonly #habitat: Habitat
  /** Of the thread that started it. */
  readonly #parent: Habitat
  readonly #below = new Set<SimVessel>()
  readonly #abortWord = new AbortWord()
  #over = false
  #terminated = false
  /** See `Faults.hang`. */
  hangs = false

  /** @throws DataCloneError when the arguments cannot cross */
  constructor(
    world: SimWorld,
    placement: 'sim-thread' | 'sim-process',
    data: SiteData,
    actor: ActorClass<Protocol, unknown>,
    parent: Habitat,
  ) {
    super(placement === 'sim-thread' ? 'thread' : 'process', data.path)
    this.#world = world
    this.placement = placement
    const copy = structuredClone({ ...data, abortWord: this.#abortWord.buffer })
    this.#data = copy
    this.#habitat = world.habitat()
    const [one, other] = world.pair()
    this.#parent = parent
    this.port = parent.add(one)
    const own = this.#habitat.add(other)
    world.note(data.path, `${placement} starts`)
    world.air.soon(() => this.#run(copy, actor, own))
  }

  abort(): boolean {
    return this.#abortWord.set()
  }

  /** A real one goes on for a while: what it is at when it hears of it, and maybe more, still happens. */
  terminate(): void {
    this.#terminated = true
    if (!this.hangs) return this.#world.air.soon(() => this.die(1))
    this.#world.note(this.#data.path, `${this.placement} does not end`)
    this.#habitat.freeze()
    this.#world.sites.delete(this.#data.site)
  }

  abandon(): void {
    this.#world.note(this.#data.path, `${this.placement} abandoned`)
  }

  /** At once; the news takes a while. */
  die(code: number): void {
    if (this.#over) return
    this.#over = true
    this.#world.note(this.#data.path, `${this.placement} exits with ${code}`)
    this.#habitat.end()
    this.#world.ended(this.#data.site, this)
    for (const vessel of this.#below) vessel.die(code)
    if (this.#parent.dead) return
    // As of a real one, its exit is told of after all that it had posted has come.
    void this.port.gone.then(() => this.#world.air.soon(() => this.exit(code)))
  }

  #run(data: SiteData, actor: ActorClass<Protocol, unknown>, port: Port): void {
    if (this.#habitat.dead || this.#parent.dead) return
    const random = seededRandom(...data.randomKey)
    const world = this.#world.worldFor(this.#habitat, random, this.#below)
    const { site } = runSite({
      data,
      port,
      world,
      load: () => Promise.resolve(actor),
      leave: () => this.die(this.#terminated ? 1 : 0),
    })
    this.#world.sites.set(data.site, site)
  }
}
