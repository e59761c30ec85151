import type { MessagePort } from 'node:worker_threads'
import { KaitianError } from '@kaitian/errors'
import { Book } from '../actor/book.js'
import type { Clock } from '../clock.js'
import type { Down, KillOptions, SpawnOptions, StopOptions } from '../api/context.js'
import { deferred } from '../deferred.js'
import { Departed } from '../actor/departed.js'
import type { Family } from '../supervision/family.js'
import { asRef, Handle, type Target } from '../actor/handle.js'
import { Link } from './link.js'
import { Nursery } from '../supervision/nursery.js'
import type { ActorClass, Protocol } from '../api/protocol.js'
import type { Random } from '../random.js'
import type { ActorRef, Ref } from '../api/ref.js'
import { noticeBelow, parentOf, Tree } from './tree.js'
import {
  firstActorId,
  type Address,
  type Command,
  type EndRecord,
  type EventRecord,
  type GoneNotice,
  type SiteId,
} from './wire.js'

export interface SiteOptions {
  id: SiteId
  clock: Clock
  random: Random
  firstChildId: number
  /** The system's own thread has none, and listens instead. */
  parent?: { site: SiteId; port: MessagePort }
  onEvent?: (event: EventRecord['name'], data: Record<string, unknown>, error?: Error) => void
}

/** One thread's share of an actor system: its actors, its links to the other threads. */
export class Site {
  readonly id: SiteId
  readonly clock: Clock
  readonly random: Random
  readonly book: Book
  readonly tree: Tree
  readonly nursery: Nursery
  readonly #parent: Link | undefined
  readonly #onEvent: SiteOptions['onEvent']
  readonly #links = new Map<SiteId, Link>()
  readonly #handles = new WeakMap<Target, Handle>()

  constructor(options: SiteOptions) {
    this.id = options.id
    this.clock = options.clock
    this.random = options.random
    this.nursery = new Nursery(this, options.firstChildId)
    this.#onEvent = options.onEvent
    this.book = new Book((letter) => this.emit('dead-letter', { ...letter }))
    if (options.parent !== undefined) {
      this.#parent = new Link(this, options.parent.site)
      this.#links.set(options.parent.site, this.#parent)
    }
    this.tree = new Tree(this, this.#parent)
    if (options.parent !== undefined) this.#parent?.attach(options.parent.port)
  }

  /** The ref of an actor: one object for each in this thread. */
  handle(target: Target): Handle {
    let handle = this.#handles.get(target)
    if (handle === undefined) {
      handle = new Handle(target, this)
      this.#handles.set(target, handle)
    }
    return handle
  }

  /** The ref for an address that came in a message. */
  readonly open = (address: Address): Handle => {
    if (address.site !== this.id) return this.handle(this.link(address.site).target(address))
    return this.handle(this.nursery.cell(address.id) ?? new Departed(address))
  }

  /** The link to a thread; asks to be introduced to one not met before. */
  link(peer: SiteId): Link {
    const known = this.#links.get(peer)
    if (known !== undefined) return known
    const link = this.#addLink(peer)
    // Its own threads are connected as they start.
    if (parentOf(peer) !== this.id) this.tree.connect(peer)
    return link
  }

  /** Another thread was introduced, maybe one not met before. */
  linkBy(port: MessagePort, peer: SiteId): void {
    const link = this.#links.get(peer) ?? this.#addLink(peer)
    link.attach(port)
  }

  existingLink(peer: SiteId): Link | undefined {
    return this.#links.get(peer)
  }

  /** A thread and all below it are gone, or restarting. */
  retire(site: SiteId, notice: GoneNotice): void {
    this.#links.get(site)?.retire(notice)
    for (const [peer, link] of this.#links) {
      if (peer.startsWith(`${site}.`)) link.retire(noticeBelow(notice))
    }
  }

  async spawn<P extends Protocol, Args>(
    family: Family,
    actor: ActorClass<P, Args>,
    args: Args,
    options: SpawnOptions,
  ): Promise<Ref<P>> {
    const blueprint = { actor: actor as unknown as ActorClass<Protocol, unknown>, args }
    return asRef(await family.spawn(blueprint, options))
  }

  watch(ref: ActorRef, callback: (down: Down) => void): () => void {
    const target = this.#targetOf(ref)
    return target.watch((end) => callback({ ref, ...end }))
  }

  async stop(ref: ActorRef, options: StopOptions): Promise<void> {
    const { timeoutMs } = options
    const gone = this.#order(ref, 'stop')
    if (timeoutMs === undefined) return gone
    const cancel = this.clock.after(timeoutMs, () => void this.#order(ref, 'kill'))
    try {
      await gone
    } finally {
      cancel()
    }
  }

  async kill(ref: ActorRef, options: KillOptions): Promise<void> {
    await this.#order(ref, options.restart === true ? 'crash' : 'kill')
  }

  /** An order from another thread. */
  obey(order: { site: SiteId; id: number; command: Command }): void {
    const child = this.nursery.child(order.site, order.id)
    void child?.[order.command]()
  }

  emit(name: EventRecord['name'], data: Record<string, unknown>, error?: KaitianError): void {
    if (this.#parent === undefined) return this.#onEvent?.(name, data, error)
    const event: EventRecord = { name, data }
    if (error !== undefined) event.error = error.toRecord()
    this.#parent.post({ t: 'event', event })
  }

  /** Says goodbye to the parent and closes all ports. Nothing may be sent any more. */
  close(end?: EndRecord): void {
    for (const link of this.#links.values()) link.settleBeforeClose()
    if (end !== undefined) this.#parent?.post({ t: 'ended', end, accounts: this.book.accounts() })
    for (const link of this.#links.values()) link.close()
    this.nursery.close()
  }

  #addLink(peer: SiteId): Link {
    const link = new Link(this, peer)
    this.#links.set(peer, link)
    return link
  }

  async #order(ref: ActorRef, command: Command): Promise<void> {
    const target = this.#targetOf(ref)
    const { site, id } = target.address
    // Whoever started a thread ends it; the thread itself may be past obeying.
    const owner = id === firstActorId ? parentOf(site) : site
    if (owner === this.id) return this.nursery.child(site, id)?.[command]()
    const gone = deferred<void>()
    const unwatch = target.watch(() => gone.resolve())
    this.tree.route({ t: 'command', to: owner, site, id, command })
    // A crash may be followed by a restart: then there is no end to wait for.
    if (command === 'crash') return unwatch()
    await gone.promise
  }

  #targetOf(ref: ActorRef): Target {
    if (ref instanceof Handle && Handle.senderOf(ref) === this) return Handle.targetOf(ref)
    throw new KaitianError(
      'BAD_ARGUMENT',
      `${ref.path} is not a ref of this actor system; use the system that spawned it`,
      { fields: { path: ref.path } },
    )
  }
}
