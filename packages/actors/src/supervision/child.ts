import { KaitianError, toKaitianError } from '@kaitian/errors'
import type { RestartOptions, SpawnOptions, StopLimits, StopOptions } from '../api/context.js'
import type { Clock } from '../clock.js'
import { deferred, type Deferred } from '../deferred.js'
import type { Sighting } from '../site/sighting.js'
import type { EventRecord } from '../site/wire.js'
import type { Timer, TimerWheel } from '../wheel.js'
import type { Body, Supervisor } from './body.js'
import { unavailable, type End } from './failure.js'
import type { Member } from './member.js'
import { decideRestart, restartsWithin, type RestartDecision } from './restart.js'

/** Tells the world; an actor's life is told by the thread that started it, once. */
export type Announce = (
  name: EventRecord['name'],
  data: Record<string, unknown>,
  error?: KaitianError,
) => void

/** What a child needs of the thread that it is supervised in. */
export interface Ward {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly announce: Announce
}

/** Who else is concerned when a child fails: its group. A child without one restarts by itself. */
export interface Guardian {
  /** The child has ended, and will be started again by `resume`. */
  awaitsRestart(child: Child, afterMs: number): void
  /** The child has failed, and will not be started again. */
  gaveUp(child: Child, end: End): void
}

/** How an incarnation ended that was told to. */
interface Ending {
  forced: boolean
  /** It does not end. */
  error: KaitianError | undefined
}

const byItself: Ending = { forced: false, error: undefined }

const limits = { timeoutMs: 5000, abortMs: 1000, exitMs: 2000 } satisfies StopLimits

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
  readonly #restart: RestartOptions | undefined
  readonly #limits: StopLimits | undefined
  readonly #guardian: Guardian | undefined
  #onGone: Set<() => void> | undefined = undefined
  #end: End | undefined = undefined
  /** Once there is one, there are no more restarts. A kill overtakes a stop. */
  #order: 'stop' | 'kill' | undefined = undefined
  #starting: Promise<void> | undefined = undefined
  #running = false
  /** It has failed, and what it owned is being disposed of. */
  #closing: Deferred<void> | undefined = undefined
  /** The last incarnation that was killed to be restarted, maybe in the midst of its start. */
  #crashed = -1
  #incarnation = 0
  #history: number[] | undefined = undefined
  #decision: RestartDecision | undefined = undefined
  #lastFailure: string | undefined = undefined
  #backoff: Timer | undefined = undefined
  /** Ends the wait for a stop. */
  #letGo: (() => void) | undefined = undefined

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
    this.#restart = options.restart
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

  /** The first incarnation. Rejects with `SPAWN_FAILED`; no promise when it has started already. */
  start(): void | Promise<void> {
    const started = this.#startIncarnation(() => false)
    return started === undefined ? this.#spawned() : this.#spawnedBy(started)
  }

  failing(end: End): boolean {
    const { path } = this
    const error = end.error ?? unavailable(path, 'killed')
    this.#running = false
    this.#closing ??= deferred<void>()
    this.#lastFailure = error.message
    this.#ward.announce('failed', { path }, error)
    if (this.#order !== undefined) return false
    const decision = decideRestart(this.#ward.clock.now(), this.#history ?? [], this.#restart)
    this.#decision = decision
    return decision.restart
  }

  ended(end: End): void {
    this.#closing?.resolve()
    this.#closing = undefined
    if (this.#order !== undefined || this.#end !== undefined) return
    const decision = this.#decision
    if (end.reason === 'quarantined' || decision === undefined || !decision.restart) {
      this.#finish(end)
      if (end.reason !== 'quarantined') this.#guardian?.gaveUp(this, end)
      return
    }
    this.#history ??= []
    this.#history.push(this.#ward.clock.now())
    if (this.#guardian !== undefined) return this.#guardian.awaitsRestart(this, decision.afterMs)
    const again = (): void => void this.resume().catch(() => undefined)
    // No timer for no wait: a virtual clock need not be pushed for it.
    if (decision.afterMs === 0) again()
    else this.#backoff = this.#ward.wheel.after(decision.afterMs, again)
  }

  /** The next incarnation. One that does not start has failed once more. */
  async resume(): Promise<void> {
    if (this.#order !== undefined || this.#end !== undefined) return
    const number = this.#incarnation
    // Whoever gave the order to end it sees to what follows.
    const isOrdered = (): boolean => this.#order !== undefined || this.#crashed === number
    let end: End | undefined
    const failing = (cause: unknown): boolean => {
      if (isOrdered()) return false
      end = { reason: 'failed', error: spawnFailed(this.path, cause) }
      return this.failing(end)
    }
    try {
      await this.#startIncarnation(failing)
    } catch (cause) {
      if (isOrdered()) return
      if (end === undefined) failing(cause)
      this.ended(end as unknown as End)
      return
    }
    if (isOrdered() || this.#end !== undefined) return
    const restarts = this.#restarts
    this.#ward.announce('restarted', { path: this.path, restarts })
  }

  /** Ends the incarnation in good order, if it does not end by itself; another may follow. */
  async pause(): Promise<void> {
    if (this.#running && this.#order === undefined) await this.#pauseBody()
    await this.#closing?.promise
  }

  async #pauseBody(): Promise<void> {
    const stopped = this.#stopBody(true, false) ?? Promise.resolve()
    const { error } = await this.#endWithin(stopped, this.#limitOf('timeoutMs'), true)
    this.#running = false
    if (error !== undefined) this.ended({ reason: 'quarantined', error })
  }

  /** Resolves when it is gone; no promise when it is already. A stop under way is joined. */
  stop(options: StopOptions & { again?: boolean } = {}): void | Promise<void> {
    if (this.#end !== undefined) return undefined
    if (this.#order !== undefined) return this.#join(options.timeoutMs)
    this.#order = 'stop'
    this.#backoff?.cancel()
    const stopped = this.#stopBody(options.again ?? false, options.drain ?? false)
    if (stopped === undefined) return this.#finish({ reason: 'stopped' })
    return this.#finishWithin(stopped, options.timeoutMs ?? this.#limitOf('timeoutMs'))
  }

  async kill(): Promise<void> {
    if (this.#end !== undefined) return
    this.#order = 'kill'
    this.#backoff?.cancel()
    const error = await this.#killBody(false)
    this.#finish(error === undefined ? { reason: 'killed' } : { reason: 'quarantined', error })
  }

  /** A kill that counts as a failure: it is restarted when that was declared. */
  async crash(): Promise<void> {
    if (!this.#running || this.#order !== undefined) return
    const end: End = { reason: 'killed', error: unavailable(this.path, 'killed') }
    this.#crashed = this.#incarnation - 1
    const again = this.failing(end)
    const error = await this.#killBody(again)
    if (error !== undefined) this.ended({ reason: 'quarantined', error })
    else this.ended(end)
  }

  async snapshot(): Promise<Sighting> {
    const { path } = this
    const restarts = this.#restarts
    const base: Sighting = {
      path,
      placement: 'inline',
      state: this.#running ? 'idle' : 'restarting',
      incarnation: this.#incarnation - 1,
      restarts,
      children: [],
      ...(this.#lastFailure === undefined ? {} : { lastFailure: this.#lastFailure }),
    }
    return { ...base, ...(await this.body.snapshot()), path, restarts }
  }

  get #restarts(): number {
    if (this.#restart === undefined || this.#history === undefined) return 0
    return restartsWithin(this.#ward.clock.now(), this.#history, this.#restart)
  }

  #limitOf(name: keyof StopLimits): number {
    return this.#limits?.[name] ?? limits[name]
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
    if (this.#end !== undefined) throw spawnFailed(path, unavailable(path, 'killed'))
    this.#ward.announce('spawned', { path, thread: this.body.siteId })
  }

  #startIncarnation(failing: (cause: unknown) => boolean): void | Promise<void> {
    this.#running = true
    const starting = this.body.start(this.#incarnation++, failing)
    if (starting === undefined) return undefined
    this.#starting = starting
    return this.#awaitStart(starting)
  }

  async #awaitStart(starting: Promise<void>): Promise<void> {
    // When it was killed, and its thread is stuck or what it owned hangs, its start never ends.
    const gone = deferred<void>()
    const forget = this.onGone(gone.resolve)
    try {
      await Promise.race([starting, gone.promise])
    } catch (error) {
      this.#running = false
      throw error
    } finally {
      forget()
      this.#starting = undefined
    }
  }

  #stopBody(again: boolean, drain: boolean): void | Promise<void> {
    if (this.#starting === undefined) return this.body.stop(again, drain)
    return this.#starting.catch(() => undefined).then(() => this.body.stop(again, drain))
  }

  async #finishWithin(stopped: Promise<void>, timeoutMs: number): Promise<void> {
    const { forced, error } = await this.#endWithin(stopped, timeoutMs, false)
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

  /** The phases of a stop: in good order, by the abort word, by force. */
  async #endWithin(stopped: Promise<void>, timeoutMs: number, again: boolean): Promise<Ending> {
    const { wheel } = this.#ward
    const ending = deferred<Ending>()
    let timer: Timer | undefined
    let forcing = false
    const force = (): void => {
      // What ends from here on does not do so by itself.
      forcing = true
      if (this.#order === 'stop') this.#order = 'kill'
      void this.#killBody(again).then((error) => ending.resolve({ forced: true, error }))
    }
    const abort = (): void => {
      if (this.body.abort()) timer = wheel.after(this.#limitOf('abortMs'), force)
      else force()
    }
    if (timeoutMs !== Infinity) timer = wheel.after(timeoutMs, abort)
    void stopped.then(() => (forcing ? undefined : ending.resolve(byItself)))
    // A kill meanwhile waits for nothing.
    this.#letGo = () => ending.resolve(byItself)
    const outcome = await ending.promise
    timer?.cancel()
    return outcome
  }

  #killBody(again: boolean): Promise<KaitianError | undefined> {
    this.#running = false
    return this.body.kill(again, this.#limitOf('exitMs'))
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#running = false
    this.#closing?.resolve()
    this.#letGo?.()
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

function spawnFailed(path: string, cause: unknown): KaitianError {
  if (cause instanceof KaitianError && cause.code === 'SPAWN_FAILED') return cause
  const { message } = toKaitianError(cause, 'SPAWN_FAILED', `${path} did not start`)
  const text = cause instanceof KaitianError ? `${path} did not start: ${message}` : message
  return new KaitianError('SPAWN_FAILED', text, { cause, fields: { path } })
}
