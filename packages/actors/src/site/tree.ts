import type { Accounts } from '../api/events.js'
import { deferred, type Deferred } from '../deferred.js'
import type { RemoteBody } from '../host/remote-body.js'
import { endFromRecord, endToRecord, errorFromRecord, type End } from '../supervision/failure.js'
import type { Link } from './link.js'
import type { Sighting } from './sighting.js'
import type { Site } from './site.js'
import {
  type Answers,
  parentOf,
  processOf,
  rootSite,
  type GoneNotice,
  type RoutedFrame,
  type SiteId,
  type TreeFrame,
} from './wire.js'

/**
 * The threads' family tree, as one of them sees it: its parent and the threads it started. By
 * way of the tree go introductions, orders, deaths and events; never an actor's messages.
 */
export class Tree {
  readonly #site: Site
  readonly #parent: Link | undefined
  readonly #threads = new Map<SiteId, RemoteBody>()
  readonly #queries = new Map<number, { site: SiteId; answer: Deferred<unknown> }>()
  #lastQuery = 0

  constructor(site: Site, parent: Link | undefined) {
    this.#site = site
    this.#parent = parent
  }

  /** Registers a thread before its first incarnation. */
  adopt(thread: RemoteBody): void {
    this.#threads.set(thread.site, thread)
  }

  /** A thread that this one started. */
  has(site: SiteId): boolean {
    return this.#threads.has(site)
  }

  /** Their link lives as long as both do. */
  isNeighbour(site: SiteId): boolean {
    return this.has(site) || site === this.#parent?.peer
  }

  receive(frame: TreeFrame, from: Link): void {
    switch (frame.t) {
      case 'started':
      case 'failing':
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
      case 'query':
        void this.#answer(frame.what).then((value) =>
          from.post({ t: 'answer', id: frame.id, value }),
        )
        return
      case 'answer':
        return this.#queries.get(frame.id)?.answer.resolve(frame.value)
      default:
        return this.route(frame)
    }
  }

  /** Hands the frame on towards `to`, or acts on it. */
  route(frame: RoutedFrame): void {
    if (frame.to === this.#site.id) return this.#act(frame)
    if (this.#towards(frame.to)?.post(frame) === true) return
    // Nobody there any more: the thread itself, or one between it and here.
    if (frame.t === 'introduced') this.#site.discard(frame.way)
    if (frame.t === 'connect') this.#answerAbsent(frame.from, frame.site, unknownEnd)
  }

  /** Asks for a port to `site`; the link waits for it. */
  connect(site: SiteId): void {
    // A port cannot leave its process: who sits at the head of this one introduces itself.
    const isHead = site === rootSite || site === processOf(this.#site.id)
    const to = isHead ? site : parentOf(site)
    this.route({ t: 'connect', to, site, from: this.#site.id })
  }

  announceGone(site: SiteId, end: End, how: Omit<GoneNotice, 'end'>): void {
    const notice = { end: endToRecord(end), ...how }
    if (how.next === 'nothing') this.#threads.delete(site)
    this.#gone(site, notice, undefined)
  }

  announceBack(site: SiteId): void {
    this.#back(site, undefined)
  }

  /** Of this thread and all below it. One that dies while it is asked counts as nothing. */
  async count(): Promise<Accounts> {
    const total = this.#site.book.accounts()
    const below = [...this.#threads.values()].map((body) => this.query(body, 'accounts'))
    for (const accounts of await Promise.all(below)) {
      if (accounts === undefined) continue
      total.sent += accounts.sent
      total.handled += accounts.handled
      total.deadLettered += accounts.deadLettered
      total.inFlight += accounts.inFlight
    }
    return total
  }

  /** Undefined when it dies, or does not answer in time. */
  async query<What extends keyof Answers>(
    body: RemoteBody,
    what: What,
    withinMs: number = Infinity,
  ): Promise<Answers[What] | undefined> {
    if (!body.running) return undefined
    const id = ++this.#lastQuery
    const answer = deferred<unknown>()
    this.#queries.set(id, { site: body.site, answer })
    const limit = this.#site.wheel.after(withinMs, () => answer.resolve(undefined))
    this.#site.link(body.site).post({ t: 'query', id, what })
    try {
      return (await answer.promise) as Answers[What] | undefined
    } finally {
      limit.cancel()
      this.#queries.delete(id)
    }
  }

  /** The present incarnation has ended, and answers nothing any more. */
  ended(site: SiteId): void {
    for (const query of this.#queries.values()) {
      if (query.site === site) query.answer.resolve(undefined)
    }
  }

  async #answer(what: keyof Answers): Promise<Accounts | Partial<Sighting>> {
    return what === 'accounts' ? this.count() : this.#site.rootSnapshot()
  }

  #act(frame: RoutedFrame): void {
    switch (frame.t) {
      case 'connect':
        return this.#introduce(frame.site, frame.from)
      case 'introduced':
        return this.#site.linkBy(frame.way, frame.site)
      case 'absent':
        return this.#site.retire(frame.site, frame.notice)
      case 'unreachable':
        return this.#site.existingLink(frame.site)?.unreachable(errorFromRecord(frame.error))
      case 'command':
        return this.#site.obey(frame)
    }
  }

  #introduce(site: SiteId, from: SiteId): void {
    // The head of a process.
    if (site === this.#site.id) return this.#acquaint(site, from)
    const thread = this.#threads.get(site)
    if (thread === undefined) {
      return this.#answerAbsent(from, site, this.#site.noticeOf(site) ?? unknownEnd)
    }
    // While it restarts there is nobody to introduce; `back` makes the asker ask again. What it has
    // started meanwhile is not told of that, and need not be: it knows no other incarnation.
    const isItsOwn = thread.running && from.startsWith(`${site}.`)
    if (thread.reachable || isItsOwn) this.#acquaint(site, from)
  }

  #acquaint(a: SiteId, b: SiteId): void {
    const { switchboard } = this.#site
    if (switchboard.near(a, b)) {
      const [one, other] = switchboard.pair()
      this.route({ t: 'introduced', to: a, site: b, way: { port: one } })
      this.route({ t: 'introduced', to: b, site: a, way: { port: other } })
    } else {
      // The one that was asked for waits for the call, and says itself how to call it.
      this.route({ t: 'introduced', to: a, site: b, way: { listen: true } })
    }
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

  #flood(frame: TreeFrame, from: Link | undefined, except: SiteId): void {
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
  next: 'nothing',
  abrupt: true,
}

/** What `notice` about a thread means for one below it, which will not be back. */
export function noticeBelow(notice: GoneNotice): GoneNotice {
  const { reason, error } = endFromRecord(notice.end)
  const end: End = { reason: reason === 'killed' || reason === 'quarantined' ? reason : 'exited' }
  if (error !== undefined) end.error = error
  const next = notice.next === 'exit' ? 'exit' : 'nothing'
  return { end: endToRecord(end), next, abrupt: notice.abrupt }
}
