import { Cell } from '../actor/cell.js'
import { Departed } from '../actor/departed.js'
import type { Blueprint } from '../actor/incarnation.js'
import { tableOf, type MessageTable } from '../actor/table.js'
import type { SpawnOptions } from '../api/context.js'
import { RemoteBody } from '../host/remote-body.js'
import type { Remote } from '../host/vessel.js'
import type { Site } from '../site/site.js'
import { firstActorId, type Address, type SiteData, type SiteId } from '../site/wire.js'
import { Recent } from '../recent.js'
import { WeakIndex } from '../weak-index.js'
import { Child } from './child.js'
import { unavailable, type End } from './failure.js'
import type { Guardian } from './guardian.js'
import type { Ward } from './ward.js'

/** Whoever asks for one that ended before so many others is told that it has stopped. */
const endsKept = 1000

/** Makes the actors of one thread, and the threads that it starts, and finds them again. */
export class Nursery {
  readonly #site: Site
  /** Those that another thread knows of: only they can be asked for by number. */
  readonly #published = new Map<number, Cell>()
  /** Of these, the ones that are gone, while anybody here holds their refs. */
  readonly #departed = new WeakIndex<number, Cell | Departed>()
  readonly #ends = new Recent<number, End>(endsKept)
  readonly #sites = new Map<SiteId, Child>()
  #nextId: number

  constructor(site: Site, firstChildId: number) {
    this.#site = site
    this.#nextId = firstChildId
  }

  /** An actor of this thread, while it is not gone for good. */
  cell(id: number): Cell | undefined {
    return this.#published.get(id)
  }

  /** Also one that is gone, and knows how it ended. */
  target(address: Address): Cell | Departed {
    const known = this.known(address.id)
    if (known !== undefined) return known
    const departed = new Departed(this.#site, address, this.endOf(address.id))
    this.#departed.set(address.id, departed)
    return departed
  }

  known(id: number): Cell | Departed | undefined {
    return this.#published.get(id) ?? this.#departed.get(id)
  }

  /** How one ended that another thread knew of, also when nothing else is left of it. */
  endOf(id: number): End {
    return this.#ends.get(id) ?? { reason: 'stopped' }
  }

  publish(cell: Cell): void {
    if (this.#published.has(cell.id)) return
    this.#published.set(cell.id, cell)
    cell.child.onGone(() => {
      this.#published.delete(cell.id)
      this.#departed.set(cell.id, cell)
      this.#ends.note(cell.id, cell.child.end as End)
    })
  }

  /** Who supervises the first actor of a site started by this one. */
  siteChild(site: SiteId): Child | undefined {
    return this.#sites.get(site)
  }

  makeChild(
    path: string,
    name: string,
    blueprint: Blueprint,
    options: SpawnOptions,
    guardian: Guardian | undefined,
  ): Child {
    const { on, mailbox } = options
    if (on !== undefined && on !== 'inline') {
      return this.#makeRemote(path, name, on, blueprint, options, guardian)
    }
    const table = tableOf(blueprint.actor.protocol)
    const id = this.#nextId++
    const cell = { site: this.#site, id, path, table, blueprint, mailbox, incarnation: 0 }
    const child = new Child(
      this.#site,
      path,
      name,
      options,
      guardian,
      (supervisor) => new Cell(cell, supervisor),
    )
    return settle(child)
  }

  /** The actor that this thread was started for. Its supervisor proper is the parent thread. */
  makeRoot(data: SiteData, table: MessageTable, blueprint: Blueprint): Child {
    const { path, incarnation, mailbox } = data
    // The parent tells of its life, decides whether there will be another, and limits its stop.
    const { clock, wheel } = this.#site
    const ward: Ward = { clock, wheel, announce: () => undefined }
    const limits = { stop: { timeoutMs: Infinity } }
    const cell = {
      site: this.#site,
      id: firstActorId,
      path,
      table,
      blueprint,
      mailbox,
      incarnation,
    }
    const child = new Child(
      ward,
      path,
      path,
      limits,
      undefined,
      (supervisor) =>
        new Cell(cell, {
          failing: (end) => {
            supervisor.failing(end)
            this.#site.tellFailing(end.error ?? unavailable(path, 'failed'))
            return data.restarts
          },
          ended: (end) => supervisor.ended(end),
        }),
    )
    this.publish(settle(child).body as Cell)
    return child
  }

  #makeRemote(
    path: string,
    name: string,
    on: Remote,
    blueprint: Blueprint,
    options: SpawnOptions,
    guardian: Guardian | undefined,
  ): Child {
    // A number that no earlier incarnation gave: old refs must not reach what is started now.
    const site = `${this.#site.id}.${'process' in on ? 'p' : ''}${this.#nextId++}`
    const child = new Child(
      this.#site,
      path,
      name,
      options,
      guardian,
      (supervisor) => new RemoteBody(this.#site, site, path, on, blueprint, options, supervisor),
    )
    this.#sites.set(site, child)
    child.onGone(() => this.#sites.delete(site))
    return child
  }
}

function settle(child: Child): Child {
  ;(child.body as Cell).child = child
  return child
}
