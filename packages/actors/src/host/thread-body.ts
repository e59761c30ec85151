import { toKaitianError } from '@kaitian/errors'
import type { Body, Supervisor } from '../supervision/body.js'
import { unavailable, type End } from '../supervision/failure.js'
import type { Blueprint } from '../actor/incarnation.js'
import { pack } from '../site/parcel.js'
import type { RemoteTarget } from '../site/remote.js'
import type { Site } from '../site/site.js'
import { Thread } from './thread.js'
import { firstActorId, type Address, type Frame, type SiteId } from '../site/wire.js'

/** Ids that one incarnation of a thread may use; the next begins above them. */
const idsPerIncarnation = 2 ** 32

/**
 * An actor on a thread of its own, seen from the thread that started it. Each incarnation is a
 * new worker: what a crash left behind in the old one is gone with it.
 */
export class ThreadBody implements Body {
  readonly site: SiteId
  readonly target: RemoteTarget
  readonly #parent: Site
  readonly #module: URL
  readonly #blueprint: Blueprint
  readonly #restarts: boolean
  readonly #supervisor: Supervisor
  #thread: Thread | undefined
  /** The end was ordered from here and is announced from here. */
  #ordered = false
  #announced = false
  #died: Promise<undefined> = Promise.resolve(undefined)

  constructor(
    parent: Site,
    address: Address,
    module: URL,
    blueprint: Blueprint,
    restarts: boolean,
    supervisor: Supervisor,
  ) {
    this.#parent = parent
    this.site = address.site
    this.#module = module
    this.#blueprint = blueprint
    this.#restarts = restarts
    this.#supervisor = supervisor
    this.target = parent.link(address.site).target(address)
    parent.tree.adopt(this)
  }

  get running(): boolean {
    return this.#thread !== undefined
  }

  /** Resolves when the present incarnation has ended. */
  get died(): Promise<undefined> {
    return this.#died
  }

  receive(frame: Frame & { t: 'started' | 'ended' }): void {
    if (frame.t === 'ended' && frame.accounts !== undefined) {
      this.#parent.book.inherit(frame.accounts)
    }
    this.#thread?.receive(frame)
  }

  async start(incarnation: number): Promise<void> {
    const { site, path } = this
    const thread = new Thread(this.#dataFor(incarnation))
    this.#thread = thread
    this.#ordered = false
    this.#died = thread.exited.then(() => {
      this.#thread = undefined
      return undefined
    })
    this.#parent.link(site).attach(thread.port)
    try {
      await thread.started
    } catch (error) {
      thread.terminate()
      await this.#died
      throw toKaitianError(error, 'SPAWN_FAILED', `The thread of ${path} did not start`)
    }
    if (incarnation > 0) this.#parent.tree.announceBack(site)
    void this.#attend(thread)
  }

  async stop(): Promise<void> {
    if (this.#thread === undefined) return
    this.#parent.tree.route({
      t: 'command',
      to: this.site,
      site: this.site,
      id: firstActorId,
      command: 'stop',
    })
    await this.#died
  }

  async kill(again: boolean): Promise<void> {
    this.#ordered = true
    const end: End = { reason: 'killed', error: unavailable(this.path, 'killed') }
    // Before the thread is really gone: native code may hold up the exit, not the news.
    this.#announce(end, again, true)
    this.#thread?.terminate()
    await this.#died
  }

  bury(end: End): void {
    this.#announce(end, false, true)
  }

  get path(): string {
    return this.target.address.path
  }

  async #attend(thread: Thread): Promise<void> {
    const end = await thread.ending
    if (this.#ordered) return
    const again = end.reason !== 'stopped' && this.#supervisor.failing(end)
    this.#announce(end, again, false)
    await thread.exited
    if (end.reason !== 'stopped') this.#supervisor.ended(end)
  }

  #announce(end: End, restarting: boolean, abrupt: boolean): void {
    if (this.#announced) return
    this.#announced = !restarting
    this.#parent.tree.announceGone(this.site, end, { restarting, abrupt })
  }

  #dataFor(incarnation: number) {
    const { path, capacity } = this.target.address
    return {
      site: this.site,
      parent: this.#parent.id,
      firstChildId: firstActorId + 1 + incarnation * idsPerIncarnation,
      path,
      module: this.#module.href,
      className: this.#blueprint.actor.name,
      args: pack(this.#blueprint.args, this.#parent),
      capacity,
      restarts: this.#restarts,
      randomKey: this.#parent.random.key,
      incarnation,
    }
  }
}
