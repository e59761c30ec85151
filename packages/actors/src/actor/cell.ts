import type { KaitianError } from '@kaitian/errors'
import type { MailboxOptions } from '../api/context.js'
import type { DeadLetterReason } from '../api/events.js'
import type { Sighting } from '../site/sighting.js'
import type { Site } from '../site/site.js'
import type { Body, Supervisor } from '../supervision/body.js'
import type { Child } from '../supervision/child.js'
import { deadLetterReason, faultOf, undisposed, type End } from '../supervision/failure.js'
import { within } from '../within.js'
import { sightingOf } from './cell-sighting.js'
import { Handling } from './handling.js'
import { Incarnation, type Blueprint } from './incarnation.js'
import { Lanes, type Notice, type NoticeLane } from './lanes.js'
import { Receiver } from './receiver.js'
import { startLife } from './start.js'
import type { MessageTable } from './table.js'
import type { TurnTaker } from './turns.js'

/** What a cell is made from. */
export interface CellOptions {
  site: Site
  id: number
  path: string
  table: MessageTable
  blueprint: Blueprint
  mailbox: MailboxOptions | undefined
  /** The number of its first incarnation. */
  incarnation: number
}

/**
 * An actor in this thread: its mailbox, and its incarnation while it has one. A1 holds because
 * nothing but `takeTurns` runs its code, and that not while `busy`.
 */
export class Cell extends Receiver implements Body, TurnTaker {
  /** Who supervises it. */
  child!: Child
  /** A handler's promise is pending, or `start` is, or a stop. */
  busy = false
  life: Incarnation | undefined = undefined
  readonly #blueprint: Blueprint
  readonly #firstIncarnation: number
  readonly #supervisor: Supervisor
  readonly #handling: Handling
  #lanes: Lanes | undefined = undefined
  #enlisted = false
  #stopping: Promise<void> | undefined = undefined
  /** The life that is over but for its children and its disposal, and the end of those. */
  #ending: Incarnation | undefined = undefined
  #closing: Promise<void> | undefined = undefined

  constructor(options: CellOptions, supervisor: Supervisor) {
    const { site, id, path, table, blueprint, mailbox, incarnation } = options
    super(site, id, path, table, mailbox)
    this.#blueprint = blueprint
    this.#firstIncarnation = incarnation
    this.#supervisor = supervisor
    this.#handling = new Handling(this)
  }

  get target(): this {
    return this
  }

  get siteId(): string {
    return this.site.id
  }

  /** Runs `notice` as a turn of this incarnation; dropped when that has ended by then. */
  notify(life: Incarnation, lane: NoticeLane, notice: Notice): void {
    if (this.life !== life) return
    this.#lanes ??= new Lanes()
    this.#lanes.notify(lane, notice)
    this.wake()
  }

  start(incarnation: number, failing: (cause: unknown) => boolean): void | Promise<void> {
    const life = new Incarnation(this, this.#firstIncarnation + incarnation)
    this.life = life
    this.refusing = undefined
    this.busy = true
    let begun: void | Promise<void>
    try {
      begun = startLife(this, life, this.#blueprint)
    } catch (error) {
      return this.#notStarted(life, error, failing)
    }
    if (begun === undefined) return this.#started(life)
    return this.#whenBegun(life, begun, failing)
  }

  stop(again: boolean, drain: boolean): void | Promise<void> {
    const { life } = this
    if (life === undefined) return this.#closing
    // A stop for good may come while one for a restart is under way.
    if (this.#stopping !== undefined) return this.#stopping
    const reason = again ? 'restarting' : 'stopped'
    this.refusing = { reason, cause: undefined }
    if (!drain) {
      life.abort(reason)
      this.#handling.abortMessages(life)
      this.#refuseAll()
    }
    const idle = !this.busy && this.mailbox.size === 0 && this.#handling.deferred === 0
    // By far the most actors of a large system have nothing to wait for: no promise for them.
    if (idle && life.closeAtOnce(reason)) return this.#close(reason)
    this.#stopping = this.#stop(life, reason, drain).finally(() => (this.#stopping = undefined))
    return this.#stopping
  }

  /** There is nothing more to abort than `ctx.signal`, and a stop has done that. */
  abort(): boolean {
    return false
  }

  /** One whose disposal hangs is let go of, but then no other incarnation may follow (A5). */
  async kill(again: boolean, exitMs: number): Promise<KaitianError | undefined> {
    const life = this.life ?? this.#ending
    if (life === undefined) return undefined
    if (life === this.life) {
      this.#handling.letGo('killed')
      this.#close(again ? 'restarting' : 'killed')
    }
    const dropped = life.drop('killed')
    const ended = this.#bringToEnd(
      life,
      dropped.then(() => life.disposeOwned()),
    )
    // Its children have limits of their own, and none may outlive it.
    await dropped
    const late = again ? undisposed(this.path) : undefined
    return within(this.site.wheel, exitMs, ended, late)
  }

  bury(end: End): void {
    this.end = end
    this.refusing = { reason: deadLetterReason(end), cause: end.error }
    this.#refuseAll()
    this.roomAgain()
    this.tellWatchers(end)
  }

  takeTurns(budget: number): number {
    this.#enlisted = false
    if (this.faults?.stalled === true) return 0
    let taken = 0
    while (taken < budget && !this.busy && this.life !== undefined) {
      if (!this.#takeTurn(this.life)) break
      taken++
    }
    this.wake()
    return taken
  }

  wake(): void {
    if (this.#enlisted || this.busy || this.life === undefined) return
    if (this.faults?.stalled === true) return
    if (this.mailbox.size === 0 && this.#lanes?.isReady(this.#handling.deferred) !== true) return
    this.#enlisted = true
    this.site.scheduler.enlist(this)
  }

  /** The incarnation fails: a handler, a timer or a callback threw, or a group below gave up. */
  fail(life: Incarnation, error: KaitianError): void {
    if (this.life !== life) return
    const end: End = { reason: 'failed', error }
    const again = this.#supervisor.failing(end)
    life.abort('failed', error)
    this.#handling.letGo('failed', error)
    this.#close(again ? 'restarting' : 'failed', error)
    const closed = life.close({ graceful: false, reason: 'failed' })
    void this.#bringToEnd(life, closed).then(() => this.#supervisor.ended(end))
  }

  /** Runs code of this actor, which may be nested in that of another: its asks are known to be its own. */
  act<T>(body: () => T): T {
    const { site } = this
    const outer = site.current
    site.current = this
    try {
      return body()
    } finally {
      site.current = outer
    }
  }

  /** Something went wrong that fails nothing. */
  report(error: KaitianError): void {
    this.site.announce('failed', { path: this.path }, error)
  }

  /** What is known of the message in hand. */
  get inHand(): Handling {
    return this.#handling
  }

  snapshot(): Promise<Partial<Sighting>> {
    return sightingOf(this)
  }

  protected override dropOldest(): void {
    this.#handling.dropOldest()
  }

  protected override publish(): void {
    this.site.nursery.publish(this)
  }

  /** False when there is nothing to do. Stop, then supervision, then messages. */
  #takeTurn(life: Incarnation): boolean {
    const { mailbox } = this
    const lanes = this.#lanes
    if (lanes !== undefined) {
      if (lanes.takeStop(mailbox.size, this.#handling.deferred)) {
        // Until the stop goes on, nothing else runs.
        this.busy = true
        return false
      }
      const notice = lanes.takeNotice()
      if (notice !== undefined) {
        this.#runNotice(life, notice)
        return true
      }
    }
    if (!mailbox.take()) return false
    if (mailbox.size < this.capacity) this.roomAgain()
    this.#handling.handle(life)
    return true
  }

  #runNotice(life: Incarnation, notice: Notice): void {
    this.site.tracer?.(this.path, 'notice')
    try {
      this.act(notice)
    } catch (error) {
      this.fail(life, faultOf(this.path, 'a callback', error))
    }
  }

  #started(life: Incarnation): void | Promise<never> {
    if (this.life !== life) return this.#endedMeanwhile(life)
    this.busy = false
    this.roomAgain()
    this.wake()
  }

  async #whenBegun(
    life: Incarnation,
    begun: Promise<void>,
    failing: (cause: unknown) => boolean,
  ): Promise<void> {
    try {
      await begun
    } catch (error) {
      return this.#notStarted(life, error, failing)
    }
    return this.#started(life)
  }

  /** It was killed, or a group of its own failed, before its start was over. */
  async #endedMeanwhile(life: Incarnation): Promise<never> {
    await this.#closing
    throw life.endedBecause
  }

  async #notStarted(
    life: Incarnation,
    error: unknown,
    failing: (cause: unknown) => boolean,
  ): Promise<never> {
    if (this.life === life) {
      this.#close(failing(error) ? 'restarting' : 'failed')
      await this.#bringToEnd(life, life.close({ graceful: false, reason: 'failed' }))
    }
    throw error
  }

  async #stop(life: Incarnation, reason: DeadLetterReason, drain: boolean): Promise<void> {
    this.#lanes ??= new Lanes()
    const turn = this.#lanes.orderStop(drain)
    this.wake()
    // After the message in hand; a kill lets go of it too.
    await turn
    if (this.life !== life) return this.#closing
    await life.close({ graceful: true, reason })
    if (this.life === life) this.#close(this.refusal.reason)
  }

  /** Notes that `life` is not over before `closed`; whoever wants it to end waits for that. */
  async #bringToEnd(life: Incarnation, closed: Promise<void>): Promise<undefined> {
    this.#ending = life
    this.#closing = closed
    await closed
    if (this.#closing !== closed) return
    this.#ending = undefined
    this.#closing = undefined
  }

  /** Ends the incarnation; nothing of its code runs as a turn from here on. */
  #close(reason: DeadLetterReason, cause?: Error): void {
    this.life = undefined
    this.busy = false
    this.#handling.letGo(reason)
    this.refusing = { reason, cause }
    this.#refuseAll()
    this.#lanes?.clear()
  }

  #refuseAll(): void {
    const { reason, cause } = this.refusal
    this.#handling.refuseAll(reason, cause)
  }
}
