import type { SpawnOptions, StopLimits, StopOptions } from '../api/context.js'
import type { KaitianError } from '@kaitian/errors'
import { deferred, type Deferred } from '../deferred.js'
import type { Sighting } from '../site/sighting.js'
import { untilEnd } from '../until-end.js'
import type { Timer } from '../wheel.js'
import type { Body, Supervisor } from './body.js'
import { spawnFailed, unavailable, type End } from './failure.js'
import type { Guardian } from './guardian.js'
import type { Member } from './member.js'
import { Restarts } from './restart.js'
import { StopPhases, type Stopped } from './stop-phases.js'
import type { Ward } from './ward.js'

const noop = (): void => undefined

/** Of the last incarnation that failed or was killed to be restarted, maybe in the midst of its start. */
class Failure {
  incarnation = -1
  message: string | undefined = undefined
  /** What it owned is being disposed of; until then it has not ended. */
  closing: Deferred<void> | undefined = undefined
  /** Of that end, when it was not being stopped: a stop has limits of its own. */
  limit: StopPhases | undefined = undefined
  backoff: Timer | undefined = undefined
}

/**
 * Supervises one actor: starts its incarnations, never one before the last has disposed of what it
 * owned (A5), and ends it for good once.
 */
export class Child implements Supervisor, Member {
  readonly path: string
  readonly name: string
  readonly body: Body
  home: Member['home'] = undefined
  readonly #ward: Ward
  /** Undefined when none is declared. */
  readonly #restarts: Restarts | undefined
  readonly #limits: StopLimits | undefined
  readonly #guardian: Guardian | undefined
  #onGone: Set<() => void> | undefined = undefined
  #end: End | undefined = undefined
  /** Once there is one, there are no more restarts. A kill overtakes a stop. */
  #order: 'stop' | 'kill' | undefined = undefined
  #starting: Promise<void> | undefined = undefined
  #running = false
  /** The first incarnation has started: before that there are no restarts. */
  #hasSpawned = false
  #incarnation = 0
  /** Made by the first one: most actors never fail, and there may be very many of them. */
  #failure: Failure | undefined = undefined
  /** Of the stop under way, if there is one. */
  #phases: StopPhases | undefined = undefined

  constructor(
    ward: Ward,
    path: string,
    name: string,
    options: SpawnOptions,
    guardian: Guardian | undefined,
    makeBody: (supervisor: Supervisor) => Body,
  ) {
    this.#ward = ward
    this.path = path
    this.name = name
    this.#restarts = options.restart && new Restarts(options.restart)
    this.#limits = options.stop
    this.#guardian = guardian
    this.body = makeBody(this)
  }

  /** How it ended, if it has, for good. */
  get end(): End | undefined {
    return this.#end
  }

  /** An incarnation is there, and has not ended. */
  get running(): boolean {
    return this.#running
  }

  onGone(callback: () => void): () => void {
    if (this.#end !== undefined) callback()
    else (this.#onGone ??= new Set()).add(callback)
    return () => void this.#onGone?.delete(callback)
  }

  /**
   * The first incarnation. Rejects with `SPAWN_FAILED`; no promise when it has started already.
   *
   * @param onFailing told at once, before what it owned is disposed of
   */
  start(onFailing?: (cause: unknown) => void): void | Promise<void> {
    const started = this.#startIncarnation((cause) => {
      onFailing?.(cause)
      void this.#limitClosing(false, (error) =>
        this.#finish(
          error === undefined
            ? { reason: 'failed', error: spawnFailed(this.path, cause) }
            : { reason: 'quarantined', error },
        ),
      )
      return false
    })
    return started === undefined ? this.#spawned() : this.#spawnedBy(started)
  }

  failing(end: End): boolean {
    const again = this.#fails(end)
    if (this.#phases === undefined) {
      void this.#limitClosing(again, (error) => {
        this.ended(error === undefined ? end : { reason: 'quarantined', error })
      })
    }
    return again
  }

  #fails(end: End): boolean {
    const { path } = this
    const error = end.error ?? unavailable(path, 'killed')
    this.#running = false
    const failure = this.#failureRecord
    failure.closing ??= deferred<void>()
    failure.incarnation = this.#incarnation - 1
    failure.message = error.message
    this.#ward.announce('failed', { path }, error)
    if (this.#order !== undefined || !this.#hasSpawned) return false
    return this.#restarts?.decide(this.#ward.clock.now()) ?? false
  }

  ended(end: End): void {
    // It was forced to before.
    if (this.#failure?.closing === undefined) return
    this.#failure.closing.resolve()
    this.#failure.closing = undefined
    this.#over(end)
  }

  /** What follows when an incarnation has ended by itself. */
  #over(end: End): void {
    if (this.#order !== undefined || this.#end !== undefined) return
    if (end.reason === 'quarantined') return this.#finish(end)
    if (!this.#hasSpawned) return this.#finish(this.#unspawned(end))
    const afterMs = this.#restarts?.next(this.#ward.clock.now())
    if (afterMs === undefined) {
      this.#finish(end)
      return this.#guardian?.gaveUp(this, end)
    }
    if (this.#guardian !== undefined) return this.#guardian.awaitsRestart(this, afterMs)
    const again = (): void => void this.resume().catch(() => undefined)
    // No timer for no wait: a virtual clock need not be pushed for it.
    if (afterMs === 0) again()
    else this.#failureRecord.backoff = this.#ward.wheel.after(afterMs, again)
  }

  /** The next incarnation. One that does not start has failed once more. */
  async resume(): Promise<void> {
    if (this.#order !== undefined || this.#end !== undefined) return
    const number = this.#incarnation
    // Whoever has ended it in the midst of its start sees to what follows.
    const isOver = (): boolean => this.#order !== undefined || this.#failure?.incarnation === number
    let end: End | undefined
    const failing = (cause: unknown): boolean => {
      if (isOver()) return false
      end = { reason: 'failed', error: spawnFailed(this.path, cause) }
      return this.failing(end)
    }
    try {
      await this.#startIncarnation(failing)
    } catch (cause) {
      // It has not said so before.
      if (end === undefined) failing(cause)
      if (end !== undefined) this.ended(end)
      return
    }
    if (isOver() || this.#end !== undefined) return
    this.#ward.announce('restarted', { path: this.path, restarts: this.#restartCount })
  }

  /** Ends the incarnation in good order, if it does not end by itself; another may follow. */
  async pause(): Promise<void> {
    if (this.#running && this.#order === undefined) await this.#pauseBody()
    await this.#failure?.closing?.promise
  }

  async #pauseBody(): Promise<void> {
    const stopped = this.#stopBody(true, false) ?? Promise.resolve()
    const { error } = await this.#stopInPhases(stopped, undefined, true)
    this.#running = false
    if (error !== undefined) this.#over({ reason: 'quarantined', error })
  }

  /** Resolves when it is gone; no promise when it is already. A stop under way is joined. */
  stop(options: StopOptions & { again?: boolean } = {}): void | Promise<void> {
    if (this.#end !== undefined) return undefined
    if (this.#order !== undefined) return this.#join(options.timeoutMs)
    this.#order = 'stop'
    this.#failure?.backoff?.cancel()
    this.#failure?.limit?.letGo()
    const stopped = this.#stopBody(options.again ?? false, options.drain ?? false)
    if (stopped === undefined) return this.#finish({ reason: 'stopped' })
    return this.#finishWithin(stopped, options.timeoutMs)
  }

  /** Resolves when it is gone, whatever has ended it: the end of the system may overtake this. */
  kill(): Promise<void> {
    const gone = deferred<void>()
    this.onGone(gone.resolve)
    if (this.#end !== undefined) return gone.promise
    this.#order = 'kill'
    this.#failure?.backoff?.cancel()
    this.#running = false
    void this.#phasesOf(false)
      .force()
      .then((error) =>
        this.#finish(error === undefined ? { reason: 'killed' } : { reason: 'quarantined', error }),
      )
    return gone.promise
  }

  /** A kill that counts as a failure: it is restarted when that was declared. */
  async crash(): Promise<void> {
    if (!this.#running || this.#order !== undefined) return
    const end: End = { reason: 'killed', error: unavailable(this.path, 'killed') }
    const again = this.#fails(end)
    const error = await this.#phasesOf(again).force()
    this.ended(error === undefined ? end : { reason: 'quarantined', error })
  }

  async snapshot(): Promise<Sighting> {
    const { path } = this
    const restarts = this.#restartCount
    const lastFailure = this.#failure?.message
    const base: Sighting = {
      path,
      placement: 'inline',
      state: this.#running ? 'idle' : 'restarting',
      incarnation: this.#incarnation - 1,
      restarts,
      children: [],
      ...(lastFailure === undefined ? {} : { lastFailure }),
    }
    return { ...base, ...(await this.body.snapshot()), path, restarts }
  }

  get #failureRecord(): Failure {
    return (this.#failure ??= new Failure())
  }

  get #restartCount(): number {
    return this.#restarts?.recent(this.#ward.clock.now()) ?? 0
  }

  async #spawnedBy(started: Promise<void>): Promise<void> {
    try {
      await started
    } catch (cause) {
      const error = spawnFailed(this.path, cause)
      // A kill in the midst of it says itself how it ended.
      if (this.#order !== 'kill') this.#finish({ reason: 'failed', error })
      throw error
    }
    this.#spawned()
  }

  #spawned(): void {
    const { path } = this
    const end = this.#end
    if (end !== undefined) throw spawnFailed(path, end.error ?? unavailable(path, 'killed'))
    this.#hasSpawned = true
    this.#ward.announce('spawned', { path, thread: this.body.siteId })
  }

  /** It was killed, or a group of its own failed, before its first start was over. */
  #unspawned(end: End): End {
    if (end.reason !== 'failed') return end
    return { reason: 'failed', error: spawnFailed(this.path, end.error) }
  }

  #startIncarnation(failing: (cause: unknown) => boolean): void | Promise<void> {
    this.#running = true
    const starting = this.body.start(this.#incarnation++, failing)
    if (starting === undefined) return undefined
    this.#starting = starting
    return this.#awaitStart(starting)
  }

  async #awaitStart(starting: Promise<void>): Promise<void> {
    try {
      // When it was killed, and its thread is stuck or what it owned hangs, its start never ends.
      await untilEnd(starting, (gone) => this.onGone(gone))
    } catch (error) {
      this.#running = false
      throw error
    } finally {
      this.#starting = undefined
    }
  }

  #stopBody(again: boolean, drain: boolean): void | Promise<void> {
    if (this.#starting === undefined) return this.body.stop(again, drain)
    return this.#starting.catch(() => undefined).then(() => this.body.stop(again, drain))
  }

  async #finishWithin(stopped: Promise<void>, timeoutMs: number | undefined): Promise<void> {
    const { forced, error } = await this.#stopInPhases(stopped, timeoutMs, false)
    if (error !== undefined) return this.#finish({ reason: 'quarantined', error })
    if (forced) return this.#finish({ reason: 'killed' })
    // A kill meanwhile lets go of the stop, and finishes by itself.
    if (this.#order === 'stop') return this.#finish({ reason: 'stopped' })
    return this.#join(undefined)
  }

  async #join(timeoutMs: number | undefined): Promise<void> {
    const gone = deferred<void>()
    this.onGone(gone.resolve)
    if (timeoutMs === undefined) return gone.promise
    const hurry = this.#ward.wheel.after(timeoutMs, () => void this.kill())
    await gone.promise
    hurry.cancel()
  }

  async #stopInPhases(
    stopped: Promise<void>,
    timeoutMs: number | undefined,
    again: boolean,
  ): Promise<Stopped> {
    // A kill meanwhile lets go of the last one.
    const phases = this.#phasesOf(again)
    this.#phases = phases
    const how = await phases.run(stopped, timeoutMs, () => {
      if (this.#order === 'stop') this.#order = 'kill'
      this.#running = false
    })
    if (this.#phases === phases) this.#phases = undefined
    return how
  }

  /** As of a stop: nobody may wait for ever for what is not disposed of. */
  async #limitClosing(
    again: boolean,
    onForced: (error: KaitianError | undefined) => void,
  ): Promise<void> {
    const failure = this.#failureRecord
    const closing = (failure.closing ??= deferred<void>())
    // The site has closed, and takes along what is left.
    if (this.#ward.wheel.closed) return
    failure.limit = this.#phasesOf(again)
    const { forced, error } = await failure.limit.run(closing.promise, undefined, noop)
    if (forced && failure.closing === closing) onForced(error)
  }

  #phasesOf(again: boolean): StopPhases {
    return new StopPhases(this.body, this.#ward.wheel, this.#limits, again)
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#running = false
    this.#failure?.closing?.resolve()
    this.#phases?.letGo()
    this.#failure?.limit?.letGo()
    if (end.reason === 'quarantined') {
      this.#ward.announce('quarantined', { path: this.path, thread: this.body.siteId }, end.error)
    }
    this.home?.left(this)
    const callbacks = this.#onGone
    this.#onGone = undefined
    // Before the news, so that who hears it finds its place free.
    if (callbacks !== undefined) for (const callback of callbacks) callback()
    this.body.bury(end)
    this.#ward.announce('stopped', { path: this.path, reason: end.reason }, end.error)
    // Whatever ended it: a group must not go on as if its place were free.
    if (end.reason === 'quarantined') this.#guardian?.gaveUp(this, end)
  }
}
