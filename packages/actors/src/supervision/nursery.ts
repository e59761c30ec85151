import { ActorContext } from '../actor/actor-context.js'
import type { Supervisor } from './body.js'
import { Cell } from '../actor/cell.js'
import { Child, type Announce } from './child.js'
import type { SpawnOptions } from '../api/context.js'
import { Family } from './family.js'
import { Incarnation, type Blueprint } from '../actor/incarnation.js'
import { checkSpawn, defaultCapacity } from './options.js'
import type { Site } from '../site/site.js'
import { ThreadBody } from '../host/thread-body.js'
import { Turns } from '../actor/turns.js'
import { firstActorId, type Address, type SiteId, type ThreadData } from '../site/wire.js'

/** Makes the actors of one thread, and the threads that it starts, and finds them again. */
export class Nursery {
  readonly #site: Site
  readonly #turns = new Turns()
  readonly #announce: Announce
  readonly #cells = new Map<number, { cell: Cell; child: Child }>()
  readonly #threads = new Map<SiteId, Child>()
  #nextId: number
  #threadsStarted = 0

  constructor(site: Site, firstChildId: number) {
    this.#site = site
    this.#nextId = firstChildId
    this.#announce = (name, data, error) => site.emit(name, data, error)
  }

  /** An actor of this thread, while it is not gone for good. */
  cell(id: number): Cell | undefined {
    return this.#cells.get(id)?.cell
  }

  /** Who supervises the actor `id` of this thread, or a thread started by this one. */
  child(site: SiteId, id: number): Child | undefined {
    return site === this.#site.id ? this.#cells.get(id)?.child : this.#threads.get(site)
  }

  makeChild(path: string, blueprint: Blueprint, options: SpawnOptions): Child {
    checkSpawn(path, blueprint, options)
    return options.on === undefined || options.on === 'inline'
      ? this.#makeInline(path, blueprint, options)
      : this.#makeThread(path, blueprint, options, options.on.thread)
  }

  /** The actor that this thread was started for. Its supervisor proper is the parent thread. */
  makeRoot(data: ThreadData, blueprint: Blueprint): Child {
    const address = this.#address(firstActorId, data.path, blueprint, data.capacity)
    const silent: Announce = () => undefined
    return this.#makeCell(address, blueprint, silent, data.incarnation, (child) => ({
      failing: (end) => {
        child.failing(end)
        return data.restarts
      },
      ended: (end) => child.ended(end),
    }))
  }

  #makeInline(path: string, blueprint: Blueprint, options: SpawnOptions): Child {
    const capacity = options.mailbox?.capacity ?? defaultCapacity
    const address = this.#address(this.#nextId++, path, blueprint, capacity)
    return this.#makeCell(address, blueprint, this.#announce, 0, (child) => child, options)
  }

  #makeThread(path: string, blueprint: Blueprint, options: SpawnOptions, module: URL): Child {
    const { restart } = options
    const site = `${this.#site.id}.${++this.#threadsStarted}`
    const capacity = options.mailbox?.capacity ?? defaultCapacity
    const address = { ...this.#address(firstActorId, path, blueprint, capacity), site }
    const restarts = restart !== undefined
    const child = new Child(
      this.#site.clock,
      this.#announce,
      path,
      restart,
      (supervisor) => new ThreadBody(this.#site, address, module, blueprint, restarts, supervisor),
    )
    this.#threads.set(site, child)
    void child.gone.then(() => this.#threads.delete(site))
    return child
  }

  #makeCell(
    address: Address,
    blueprint: Blueprint,
    announce: Announce,
    firstIncarnation: number,
    supervise: (child: Child) => Supervisor,
    options: SpawnOptions = {},
  ): Child {
    const { path, id } = address
    const makeLife = (cell: Cell, incarnation: number): Incarnation => {
      const family = new Family(this.#site, path)
      const life = new Incarnation(path, blueprint, family, (error) =>
        this.#announce('failed', { path }, error),
      )
      return life.equip(new ActorContext(this.#site, cell, life, firstIncarnation + incarnation))
    }
    let cell!: Cell
    const child = new Child(this.#site.clock, announce, path, options.restart, (supervisor) => {
      cell = new Cell(address, this.#turns, makeLife, {
        failing: (end) => supervise(child).failing(end),
        ended: (end) => supervisor.ended(end),
      })
      return cell
    })
    this.#cells.set(id, { cell, child })
    void child.gone.then(() => this.#cells.delete(id))
    return child
  }

  /** After the last actor has gone. */
  close(): void {
    this.#turns.close()
  }

  #address(id: number, path: string, blueprint: Blueprint, capacity: number): Address {
    const names = Object.entries(blueprint.actor.protocol)
    const asks = names.filter(([, message]) => message.kind === 'ask').map(([name]) => name)
    const tells = names.filter(([, message]) => message.kind === 'tell').map(([name]) => name)
    return { site: this.#site.id, id, path, capacity, asks, tells }
  }
}
