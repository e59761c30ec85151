import { MessageChannel } from 'node:worker_threads'
import { deferred, type Deferred } from '../deferred.js'
import type { Accounts } from '../api/events.js'
import { endFromRecord, endToRecord, errorFromRecord, type End } from '../supervision/failure.js'
import type { Link } from './link.js'
import type { Site } from './site.js'
import type { ThreadBody } from '../host/thread-body.js'
import { rootSite } from './wire.js'
import type { Frame, GoneNotice, RoutedFrame, SiteId, TreeFrame } from './wire.js'

/**
 * The threads' family tree, as one of them sees it: its parent and the threads it started. By
 * way of the tree go introductions, orders, deaths and events; never an actor's messages.
 */
export class Tree {
  readonly #site: Site
  readonly #parent: Link | undefined
  readonly #threads = new Map<SiteId, ThreadBody>()
  /** Of threads this one had started. */
  readonly #departed = new Map<SiteId, GoneNotice>()
  readonly #counts = new Map<number, Deferred<Accounts>>()
  #lastCount = 0

  constructor(site: Site, parent: Link | undefined) {
    this.#site = site
    this.#parent = parent
  }

  /** Registers a thread before its first incarnation. */
  adopt(thread: ThreadBody): void {
    this.#threads.set(thread.site, thread)
  }

  receive(frame: TreeFrame, from: Link): void {
    switch (frame.t) {
      case 'started':
      case 'ended':
        return this.#threads.get(from.peer)?.receive(frame)
      case 'event': {
        const { name, data, error } = frame.event
        return this.#site.emit(name, data, error && errorFromRecord(error))
      }
      case 'gone':
        return this.#gone(frame.site, frame.notice, from)
      case 'back':
        return this.#back(frame.site, from)
      case 'count':
        void this.count().then((accounts) => from.post({ t: 'counted', id: frame.id, accounts }))
        return
      case 'counted':
        return this.#counts.get(frame.id)?.resolve(frame.accounts)
      default:
        return this.route(frame)
    }
  }

  /** Hands the frame on towards `to`, or acts on it. */
  route(frame: RoutedFrame): void {
    if (frame.to === this.#site.id) return this.#act(frame)
    const next = this.#towards(frame.to)
    if (next !== undefined) return next.post(frame)
    // Nobody there any more: the thread itself, or one between it and here.
    if (frame.t === 'introduced') frame.port.close()
    if (frame.t === 'connect') this.#answerAbsent(frame.from, frame.site, unknownEnd)
  }

  /** Asks for a port to `site`; the link waits for it. */
  connect(site: SiteId): void {
    const to = site === rootSite ? rootSite : parentOf(site)
    this.route({ t: 'connect', to, site, from: this.#site.id })
  }

  announceGone(site: SiteId, end: End, how: { restarting: boolean; abrupt: boolean }): void {
    const notice = { end: endToRecord(end), ...how }
    if (!how.restarting) {
      this.#departed.set(site, notice)
      this.#threads.delete(site)
    }
    this.#gone(site, notice, undefined)
  }

  announceBack(site: SiteId): void {
    this.#back(site, undefined)
  }

  /** Of this thread and all below it. One that dies while it is asked counts as nothing. */
  async count(): Promise<Accounts> {
    const total = this.#site.book.accounts()
    const below = [...this.#threads.values()].map((thread) => this.#countOf(thread))
    for (const accounts of await Promise.all(below)) {
      if (accounts === undefined) continue
      total.sent += accounts.sent
      total.handled += accounts.handled
      total.deadLettered += accounts.deadLettered
      total.inFlight += accounts.inFlight
    }
    return total
  }

  async #countOf(thread: ThreadBody): Promise<Accounts | undefined> {
    if (!thread.running) return undefined
    const id = ++this.#lastCount
    const answer = deferred<Accounts>()
    this.#counts.set(id, answer)
    this.#site.link(thread.site).post({ t: 'count', id })
    try {
      return await Promise.race([answer.promise, thread.died])
    } finally {
      this.#counts.delete(id)
    }
  }

  #act(frame: RoutedFrame): void {
    switch (frame.t) {
      case 'connect':
        return this.#introduce(frame.site, frame.from)
      case 'introduced':
        return this.#site.linkBy(frame.port, frame.site)
      case 'absent':
        return this.#site.retire(frame.site, frame.notice)
      case 'command':
        return this.#site.obey(frame)
    }
  }

  #introduce(site: SiteId, from: SiteId): void {
    // The system's own thread has no parent: it introduces itself.
    if (site === this.#site.id) return this.#acquaint(site, from)
    const thread = this.#threads.get(site)
    if (thread === undefined) {
      return this.#answerAbsent(from, site, this.#departed.get(site) ?? unknownEnd)
    }
    // While it restarts there is nobody to introduce; `back` makes the asker ask again.
    if (thread.running) this.#acquaint(site, from)
  }

  #acquaint(a: SiteId, b: SiteId): void {
    const { port1, port2 } = new MessageChannel()
    this.route({ t: 'introduced', to: a, site: b, port: port1 })
    this.route({ t: 'introduced', to: b, site: a, port: port2 })
  }

  #answerAbsent(to: SiteId, site: SiteId, notice: GoneNotice): void {
    this.route({ t: 'absent', to, site, notice })
  }

  #gone(site: SiteId, notice: GoneNotice, from: Link | undefined): void {
    this.#site.retire(site, notice)
    this.#flood({ t: 'gone', site, notice }, from, site)
  }

  #back(site: SiteId, from: Link | undefined): void {
    const link = this.#site.existingLink(site)
    if (link !== undefined && !link.reopen()) this.connect(site)
    this.#flood({ t: 'back', site }, from, site)
  }

  #flood(frame: Frame, from: Link | undefined, except: SiteId): void {
    const neighbours = [...this.#threads.keys()].map((site) => this.#site.link(site))
    if (this.#parent !== undefined) neighbours.push(this.#parent)
    for (const link of neighbours) {
      if (link !== from && link.peer !== except) link.post(frame)
    }
  }

  #towards(to: SiteId): Link | undefined {
    const { id } = this.#site
    if (!to.startsWith(`${id}.`)) return this.#parent
    const [step] = to.slice(id.length + 1).split('.')
    const thread = this.#threads.get(`${id}.${step}`)
    return thread?.running ? this.#site.link(thread.site) : undefined
  }
}

/** For a thread of which nothing is known, because what started it is gone too. */
const unknownEnd: GoneNotice = {
  end: endToRecord({ reason: 'exited' }),
  restarting: false,
  abrupt: true,
}

/** The thread that started this one. */
export function parentOf(site: SiteId): SiteId {
  return site.slice(0, site.lastIndexOf('.'))
}

/** What `notice` about a thread means for one below it: gone for good. */
export function noticeBelow(notice: GoneNotice): GoneNotice {
  const { reason, error } = endFromRecord(notice.end)
  const end: End = { reason: reason === 'killed' ? 'killed' : 'exited' }
  if (error !== undefined) end.error = error
  return { end: endToRecord(end), restarting: false, abrupt: notice.abrupt }
}
