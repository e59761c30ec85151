import { KaitianError, toKaitianError } from '@kaitian/errors'
import { Book } from '../actor/book.js'
import { Cell } from '../actor/cell.js'
import { asRef, Handle } from '../actor/handle.js'
import type { Target } from '../actor/target.js'
import type { Scheduler } from '../actor/turns.js'
import type { Down, KillOptions, SpawnOptions, StopOptions } from '../api/context.js'
import type { Actor, ActorClass, Protocol } from '../api/protocol.js'
import type { ActorRef, Ref } from '../api/ref.js'
import type { Clock } from '../clock.js'
import { deferred } from '../deferred.js'
import { apart } from '../events.js'
import type { Launch } from '../host/vessel.js'
import type { Random } from '../random.js'
import { Recent } from '../recent.js'
import type { Child } from '../supervision/child.js'
import type { Family } from '../supervision/family.js'
import { Nursery } from '../supervision/nursery.js'
import { checkKill, checkStop } from '../supervision/options.js'
import type { Ward } from '../supervision/ward.js'
import type { Port } from '../transport/port.js'
import type { Switchboard } from '../transport/switchboard.js'
import { WeakIndex } from '../weak-index.js'
import { TimerWheel } from '../wheel.js'
import { Link } from './link.js'
import type { OpenAsk, Sighting } from './sighting.js'
import { noticeBelow, Tree } from './tree.js'
import {
  firstActorId,
  parentOf,
  rootSite,
  type Address,
  type EndRecord,
  type EventRecord,
  type GoneNotice,
  type Order,
  type SiteId,
  type Way,
} from './wire.js'

/** What a site takes from outside, so that a test kit can give it something else. */
export interface SiteWorld {
  clock: Clock
  random: Random
  scheduler: Scheduler
  switchboard: Switchboard
  launch: Launch
  /** Hears of each turn, in order. */
  tracer?: (path: string, what: string) => void
}

export interface SiteOptions {
  id: SiteId
  world: SiteWorld
  firstChildId: number
  abortWord?: SharedArrayBuffer
  /** The system's own thread has none, and listens instead. */
  parent?: { site: SiteId; port: Port }
  onEvent?: (event: EventRecord['name'], data: Record<string, unknown>, error?: Error) => void
  /** A thread or process has ended for good, and all that ran in it. */
  onEnd?: (site: SiteId) => void
}

/** Of sites that are gone: whoever gets a ref of one older than that asks, and hears that it exited. */
const noticesKept = 1000

/** One thread's share of an actor system: its actors, its links to the other threads. */
export class Site implements Ward {
  readonly id: SiteId
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: Scheduler
  readonly switchboard: Switchboard
  readonly launch: Launch
  readonly tracer: SiteWorld['tracer']
  readonly wheel: TimerWheel
  readonly book: Book
  readonly tree: Tree
  readonly nursery: Nursery
  readonly abortWord: Int32Array
  /** The actor whose turn it is. */
  current: Cell | undefined = undefined
  /** How many actors' `start` are on the stack. */
  starting = 0
  readonly #parent: Link | undefined
  readonly #onEvent: SiteOptions['onEvent']
  readonly #onEnd: SiteOptions['onEnd']
  readonly #links = new Map<SiteId, Link>()
  /** To sites that are gone: the same refs as long as they are held. */
  readonly #pastLinks = new WeakIndex<SiteId, Link>()
  readonly #notices = new Recent<SiteId, GoneNotice>(noticesKept)
  readonly #remoteHandles = new WeakMap<Target, Handle>()

  constructor(options: SiteOptions) {
    const { clock, random, scheduler, switchboard, launch, tracer } = options.world
    this.id = options.id
    this.clock = clock
    this.random = random
    this.scheduler = scheduler
    this.switchboard = switchboard
    this.launch = launch
    this.tracer = tracer && apart(tracer)
    this.wheel = new TimerWheel(clock)
    this.abortWord = new Int32Array(options.abortWord ?? new SharedArrayBuffer(4))
    this.nursery = new Nursery(this, options.firstChildId)
    this.#onEvent = options.onEvent
    this.#onEnd = options.onEnd
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
    if (target instanceof Cell) return (target.handle ??= new Handle(target, this))
    let handle = this.#remoteHandles.get(target)
    if (handle === undefined) {
      handle = new Handle(target, this)
      this.#remoteHandles.set(target, handle)
    }
    return handle
  }

  /** The ref for an address that came in a message. */
  readonly open = (address: Address): Handle => {
    if (address.site !== this.id) return this.handle(this.link(address.site).targets.at(address))
    return this.handle(this.nursery.target(address))
  }

  /** The link to a site; asks to be introduced to one not met before. */
  link(peer: SiteId): Link {
    const known = this.#links.get(peer) ?? this.#pastLinks.get(peer)
    if (known !== undefined) return known
    const link = this.#addLink(peer)
    const notice = this.noticeOf(peer)
    if (notice !== undefined) link.retire(notice)
    // Its own sites are connected as they start; those of an earlier incarnation are gone.
    else if (!this.tree.has(peer)) this.tree.connect(peer)
    return link
  }

  /** Another site was introduced, maybe one not met before. */
  linkBy(way: Way, peer: SiteId): void {
    const link = this.#links.get(peer) ?? this.#pastLinks.get(peer) ?? this.#addLink(peer)
    if (link.gone) return this.discard(way)
    if ('port' in way) return link.attach(this.switchboard.toPort(way.port))
    if ('ticket' in way) return link.expect(this.switchboard.dial(way.ticket), () => undefined)
    void this.#listen(link)
  }

  discard(way: Way): void {
    if ('port' in way) this.switchboard.discard(way.port)
  }

  existingLink(peer: SiteId): Link | undefined {
    return this.#links.get(peer)
  }

  /** How a site ended for good, or the one that it was in; unless that is long ago. */
  noticeOf(site: SiteId): GoneNotice | undefined {
    const own = this.#notices.get(site)
    if (own !== undefined || site === rootSite) return own
    const above = this.noticeOf(parentOf(site))
    return above && noticeBelow(above)
  }

  /** A site and all below it are gone, or restarting. */
  retire(site: SiteId, notice: GoneNotice): void {
    if (notice.next === 'nothing') {
      this.#notices.note(site, notice)
      if (notice.end.reason !== 'quarantined') this.#onEnd?.(site)
    }
    this.#links.get(site)?.retire(notice)
    for (const [peer, link] of this.#links) {
      if (peer.startsWith(`${site}.`)) link.retire(noticeBelow(notice))
    }
  }

  /** Keeps of a link that is over what its refs need, as long as they are held. */
  forget(link: Link): void {
    if (link.over && this.#links.delete(link.peer)) this.#pastLinks.set(link.peer, link)
  }

  async spawn<P extends Protocol>(
    family: Family,
    actor: Actor<P, never>,
    args: unknown,
    options: SpawnOptions,
  ): Promise<Ref<P>> {
    const blueprint = { actor: actor as unknown as ActorClass<Protocol, unknown>, args }
    return asRef(await family.spawn(blueprint, options))
  }

  watch(ref: ActorRef, callback: (down: Down) => void): () => void {
    const target = this.#targetOf(ref)
    return target.watch((end) => callback({ ref, ...end }))
  }

  stop(ref: ActorRef, options: StopOptions): Promise<void> {
    return this.#order(ref, (path) => {
      checkStop(path, options)
      const { timeoutMs, drain = false } = options
      return { command: 'stop', drain, again: false, timeoutMs }
    })
  }

  kill(ref: ActorRef, options: KillOptions): Promise<void> {
    return this.#order(ref, (path) => {
      checkKill(path, options)
      return { command: options.restart === true ? 'crash' : 'kill' }
    })
  }

  /** An order from another site. */
  obey(frame: { site: SiteId; id: number } & Order): void {
    const child =
      frame.site === this.id
        ? this.nursery.cell(frame.id)?.child
        : this.nursery.siteChild(frame.site)
    if (child !== undefined) void execute(child, frame)
  }

  announce(name: EventRecord['name'], data: Record<string, unknown>, error?: KaitianError): void {
    this.emit(name, data, error)
  }

  emit(name: EventRecord['name'], data: Record<string, unknown>, error?: KaitianError): void {
    if (this.#parent === undefined) return this.#onEvent?.(name, data, error)
    const event: EventRecord = { name, data }
    if (error !== undefined) event.error = error.toRecord()
    this.#parent.post({ t: 'event', event })
  }

  /** The actor that this site was started for fails, or does not start; it may be long before it has ended. */
  tellFailing(error: KaitianError): void {
    this.#parent?.post({ t: 'failing', error: error.toRecord() })
  }

  /** Of the actor that this site was started for, and of those below it. */
  async rootSnapshot(): Promise<Partial<Sighting>> {
    const cell = this.nursery.known(firstActorId)
    // Its module is being imported.
    if (!(cell instanceof Cell)) return { state: 'starting' }
    return { ...(await cell.snapshot()), asksElsewhere: this.asksElsewhere() }
  }

  asksElsewhere(): OpenAsk[] {
    return [...this.#links.values()].flatMap((link) =>
      link.askers.map(({ from, to, message }) => ({ from, to, message })),
    )
  }

  /** Says goodbye to the parent and closes all ports. Nothing may be sent any more. */
  close(end?: EndRecord): void {
    for (const link of this.#links.values()) link.settleBeforeClose()
    if (end !== undefined) this.#parent?.post({ t: 'ended', end, accounts: this.book.accounts() })
    for (const link of this.#links.values()) link.close()
    this.wheel.close()
    this.scheduler.close()
    this.switchboard.close()
  }

  #addLink(peer: SiteId): Link {
    const link = new Link(this, peer)
    this.#links.set(peer, link)
    return link
  }

  /** For the peer, which is told how to call. */
  async #listen(link: Link): Promise<void> {
    const { peer } = link
    try {
      const { ticket, port, cancel } = await this.switchboard.listen()
      link.expect(port, cancel)
      this.tree.route({ t: 'introduced', to: peer, site: this.id, way: { ticket } })
    } catch (cause) {
      const error = toKaitianError(cause, 'LINK_LOST', `${peer} cannot be called`)
      this.tree.route({ t: 'unreachable', to: peer, site: this.id, error: error.toRecord() })
      link.unreachable(error)
    }
  }

  async #order(ref: ActorRef, make: (path: string) => Order): Promise<void> {
    const target = this.#targetOf(ref)
    const order = make(target.path)
    if (target instanceof Cell && target.id !== firstActorId) return execute(target.child, order)
    const { site, id } = target.address
    // Whoever started a site ends it; the site itself may be past obeying, and knows no limits.
    const owner = id === firstActorId && site !== rootSite ? parentOf(site) : site
    if (owner === this.id) {
      const child = site === this.id ? undefined : this.nursery.siteChild(site)
      return child === undefined ? undefined : execute(child, order)
    }
    const gone = deferred<void>()
    // A crash may be followed by a restart: then there is no end to wait for.
    if (order.command !== 'crash') target.watch(() => gone.resolve())
    this.tree.route({ t: 'command', to: owner, site, id, ...order })
    if (order.command !== 'crash') await gone.promise
  }

  #targetOf(ref: ActorRef): Target {
    if (ref instanceof Handle && Handle.senderOf(ref) === this) return Handle.targetOf(ref)
    const path = typeof ref?.path === 'string' ? ref.path : 'What was given'
    throw new KaitianError(
      'BAD_ARGUMENT',
      `${path} is not a ref of this actor system; use what its spawn gave`,
      { fields: { path } },
    )
  }
}

async function execute(child: Child, order: Order): Promise<void> {
  if (order.command !== 'stop') return child[order.command]()
  const { drain, again, timeoutMs } = order
  return child.stop({ drain, again, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
}
