import { toKaitianError, type KaitianError } from '@kaitian/errors'
import { messagesOf, tableOf } from '../actor/table.js'
import type { Blueprint } from '../actor/incarnation.js'
import type { SpawnOptions } from '../api/context.js'
import { pack } from '../site/parcel.js'
import type { RemoteTarget } from '../site/remote.js'
import type { Sighting } from '../site/sighting.js'
import type { Site } from '../site/site.js'
import {
  firstActorId,
  type GoneNotice,
  type SiteData,
  type SiteId,
  type TreeFrame,
} from '../site/wire.js'
import type { Body, Supervisor } from '../supervision/body.js'
import { errorFromRecord, unavailable, type End } from '../supervision/failure.js'
import { defaultCapacity, stopLimit } from '../supervision/options.js'
import { within } from '../within.js'
import type { Remote, Vessel } from './vessel.js'

/** Ids that one incarnation of a site may use; the next begins above them. */
const idsPerIncarnation = 2 ** 32
/** A site that takes longer to tell of itself is busy, or stuck. */
const snapshotWithinMs = 500

/**
 * An actor on a thread or in a process of its own, seen from who started it. Each incarnation is
 * a new vessel: what a crash left behind in the old one is gone with it.
 */
export class RemoteBody implements Body {
  readonly site: SiteId
  readonly target: RemoteTarget
  readonly #parent: Site
  readonly #on: Remote
  readonly #blueprint: Blueprint
  readonly #options: SpawnOptions
  readonly #supervisor: Supervisor
  #vessel: Vessel | undefined
  /** The actor has started: from then on it should answer. */
  #isUp = false
  /** The end was ordered from here and is announced from here. */
  #ordered = false
  /** It was told to stop, for another incarnation to follow. */
  #pausing = false
  #announced = false
  /** Who is told, once, that it does not start. */
  #failing: ((cause: unknown) => boolean) | undefined
  #startFailure: unknown
  /** It has said that it fails: whether there will be another incarnation. */
  #again: boolean | undefined
  /** Anew. */
  #starting = false
  /** Resolves when the present incarnation has ended. */
  #died = Promise.resolve()

  constructor(
    parent: Site,
    site: SiteId,
    path: string,
    on: Remote,
    blueprint: Blueprint,
    options: SpawnOptions,
    supervisor: Supervisor,
  ) {
    this.#parent = parent
    this.site = site
    this.#on = on
    this.#blueprint = blueprint
    this.#options = options
    this.#supervisor = supervisor
    parent.tree.adopt(this)
    this.target = parent.link(site).targets.at({
      site,
      id: firstActorId,
      path,
      capacity: options.mailbox?.capacity ?? defaultCapacity,
      overflow: options.mailbox?.overflow ?? 'reject',
      messages: messagesOf(tableOf(blueprint.actor.protocol)),
    })
  }

  get running(): boolean {
    return this.#vessel !== undefined
  }

  /** Others may be introduced. One that is being restarted has no actor yet to take their messages. */
  get reachable(): boolean {
    return this.#vessel !== undefined && !this.#starting
  }

  get siteId(): SiteId {
    return this.site
  }

  get path(): string {
    return this.target.path
  }

  receive(frame: TreeFrame & { t: 'started' | 'failing' | 'ended' }): void {
    if (frame.t === 'failing') return this.#fails(errorFromRecord(frame.error))
    if (frame.t === 'ended') this.#parent.book.inherit(frame.accounts)
    this.#vessel?.receive(frame)
  }

  async start(incarnation: number, failing: (cause: unknown) => boolean): Promise<void> {
    const { site, path } = this
    const vessel = this.#parent.launch(this.#on, this.#dataFor(incarnation), this.#blueprint.actor)
    this.#vessel = vessel
    this.#isUp = false
    this.#ordered = false
    this.#pausing = false
    this.#again = undefined
    this.#failing = failing
    this.#startFailure = undefined
    // Of its first incarnation nobody knows before there is an actor.
    this.#starting = incarnation > 0
    const died = this.#untilExit(vessel)
    this.#died = died
    this.#parent.link(site).attach(vessel.port)
    try {
      await vessel.started
    } catch (error) {
      // Unless it has said so itself, and then took its time to end.
      const cause = this.#startFails(error)
      vessel.terminate()
      // Of this one: by then the next may have been started.
      await died
      throw toKaitianError(
        cause,
        'SPAWN_FAILED',
        `The ${vessel.placement} of ${path} did not start`,
      )
    }
    // It was killed in the same moment, and the next may have been started since.
    if (this.#ordered || this.#vessel !== vessel) {
      await died
      throw unavailable(path, 'killed')
    }
    this.#starting = false
    this.#isUp = true
    this.#failing = undefined
    if (incarnation > 0) this.#parent.tree.announceBack(site)
    void this.#attend(vessel)
  }

  async stop(again: boolean, drain: boolean): Promise<void> {
    if (this.#vessel === undefined) return
    this.#pausing = again
    this.#parent.tree.route({
      t: 'command',
      to: this.site,
      site: this.site,
      id: firstActorId,
      command: 'stop',
      drain,
      again,
      timeoutMs: undefined,
    })
    await this.#died
  }

  abort(): boolean {
    return this.#vessel?.abort() ?? false
  }

  async kill(again: boolean, exitMs: number): Promise<KaitianError | undefined> {
    const vessel = this.#vessel
    if (vessel === undefined) return
    this.#ordered = true
    // Before the site is really gone: native code may hold up the exit, but not the askers.
    this.#announce(
      { reason: 'killed', error: unavailable(this.path, 'killed') },
      {
        next: again ? 'restart' : 'exit',
        abrupt: true,
      },
    )
    vessel.abort()
    vessel.terminate()
    return this.#quarantineUnless(vessel, exitMs)
  }

  bury(end: End): void {
    // What an exited thread had posted to others may still be on its way.
    const abrupt = this.#ordered || end.reason === 'quarantined'
    this.#announce(end, { next: 'nothing', abrupt })
  }

  async snapshot(): Promise<Partial<Sighting>> {
    const placement = this.#vessel?.placement ?? ('thread' in this.#on ? 'thread' : 'process')
    if (!this.running) return { placement }
    const answer = await this.#parent.tree.query(this, 'snapshot', snapshotWithinMs)
    return { ...(answer ?? { state: this.#isUp ? 'unresponsive' : 'starting' }), placement }
  }

  async #untilExit(vessel: Vessel): Promise<void> {
    await vessel.exited
    if (this.#vessel === vessel) this.#vessel = undefined
    this.#parent.tree.ended(this.site)
  }

  /** It says that it will end; there are limits to how long that may take. */
  #fails(error: KaitianError): void {
    if (!this.#isUp) void this.#startFails(error)
    else if (!this.#ordered) this.#again = this.#supervisor.failing({ reason: 'failed', error })
  }

  /** Returns why, as was heard first. */
  #startFails(error: unknown): unknown {
    this.#startFailure ??= error
    this.#failing?.(error)
    this.#failing = undefined
    return this.#startFailure
  }

  async #attend(vessel: Vessel): Promise<void> {
    const end = await vessel.ending
    if (this.#ordered) return
    const stopped = end.reason === 'stopped'
    const again = stopped ? this.#pausing : (this.#again ?? this.#supervisor.failing(end))
    // That it is gone for good is announced by `bury`, when it has exited.
    this.#announce(end, { next: again ? 'restart' : 'exit', abrupt: false })
    if (stopped) return
    const error = await this.#quarantineUnless(vessel, stopLimit(this.#options.stop, 'exitMs'))
    this.#supervisor.ended(error === undefined ? end : { reason: 'quarantined', error })
  }

  /** Resolves when it has exited; with an error when it does not. */
  async #quarantineUnless(vessel: Vessel, exitMs: number): Promise<KaitianError | undefined> {
    if (await this.#exits(vessel, exitMs)) return undefined
    if (vessel.isProcess) {
      // It was to end by itself, and waits for a thread in native code.
      vessel.terminate()
      if (await this.#exits(vessel, exitMs)) return undefined
    }
    vessel.abandon()
    return unavailable(this.path, 'quarantined')
  }

  async #exits(vessel: Vessel, withinMs: number): Promise<boolean> {
    const exited = vessel.exited.then(() => true)
    return within(this.#parent.wheel, withinMs, exited, false)
  }

  #announce(end: End, how: Omit<GoneNotice, 'end'>): void {
    if (this.#announced) return
    this.#announced = how.next === 'nothing'
    this.#parent.tree.announceGone(this.site, end, how)
  }

  #dataFor(incarnation: number): SiteData {
    const { path, messages } = this.target.address
    const { mailbox = {}, restart } = this.#options
    return {
      site: this.site,
      parent: this.#parent.id,
      firstChildId: firstActorId + 1 + incarnation * idsPerIncarnation,
      path,
      module: ('thread' in this.#on ? this.#on.thread : this.#on.process).href,
      className: this.#blueprint.actor.name,
      args: pack(this.#blueprint.args, this.#parent),
      mailbox,
      messages,
      restarts: restart !== undefined && restart.max > 0,
      randomKey: this.#parent.random.key,
      incarnation,
    }
  }
}
