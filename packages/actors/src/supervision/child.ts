import { KaitianError, toKaitianError } from '@kaitian/errors'
import type { Body, Supervisor } from './body.js'
import type { RestartOptions } from '../api/context.js'
import { deferred } from '../deferred.js'
import { unavailable, type End } from './failure.js'
import { decideRestart, type RestartDecision } from './restart.js'
import type { Clock } from '../clock.js'
import type { EventRecord } from '../site/wire.js'

/** Tells the world; an actor's life is told by the thread that started it, once. */
export type Announce = (
  name: EventRecord['name'],
  data: Record<string, unknown>,
  error?: KaitianError,
) => void

/**
 * Supervises one actor, one-for-one: starts its incarnations, never one before the last has
 * disposed of what it owned (A5), and ends it for good once.
 */
export class Child implements Supervisor {
  readonly path: string
  readonly body: Body
  readonly #clock: Clock
  readonly #announce: Announce
  readonly #restart: RestartOptions | undefined
  readonly #gone = deferred<End>()
  #isGone = false
  /** Once there is one, there are no more restarts. A kill overtakes a stop. */
  #order: 'stop' | 'kill' | undefined
  #starting: Promise<void> = Promise.resolve()
  #incarnation = 0
  #history: number[] = []
  #decision: RestartDecision = { restart: false, reason: 'it has not failed' }
  #cancelRestart: (() => void) | undefined

  constructor(
    clock: Clock,
    announce: Announce,
    path: string,
    restart: RestartOptions | undefined,
    makeBody: (supervisor: Supervisor) => Body,
  ) {
    this.#clock = clock
    this.#announce = announce
    this.path = path
    this.#restart = restart
    this.body = makeBody(this)
  }

  /** How it ended; resolves when it has, for good. */
  get gone(): Promise<End> {
    return this.#gone.promise
  }

  /** The first incarnation. Rejects with `SPAWN_FAILED`. */
  async start(): Promise<void> {
    try {
      await this.#startIncarnation()
    } catch (cause) {
      const error = spawnFailed(this.path, cause)
      this.#finish({ reason: 'failed', error })
      throw error
    }
    if (this.#isGone) throw spawnFailed(this.path, unavailable(this.path, 'killed'))
    this.#announce('spawned', { path: this.path, thread: this.body.target.address.site })
  }

  failing(end: End): boolean {
    this.#announce('failed', { path: this.path }, end.error ?? unavailable(this.path, 'killed'))
    if (this.#order !== undefined) return false
    this.#decision = decideRestart(this.#clock.now(), this.#history, this.#restart)
    return this.#decision.restart
  }

  ended(end: End): void {
    if (this.#order !== undefined || this.#isGone) return
    const decision = this.#decision
    if (!decision.restart) return this.#finish(end)
    this.#history.push(this.#clock.now())
    const again = (): void => void this.#startAgain(decision.restarts)
    // No timer for no wait: a virtual clock need not be pushed for it.
    if (decision.afterMs === 0) queueMicrotask(again)
    else this.#cancelRestart = this.#clock.after(decision.afterMs, again)
  }

  /** Resolves when it is gone. A stop under way is joined. */
  async stop(): Promise<void> {
    if (this.#order === undefined) {
      this.#order = 'stop'
      this.#cancelRestart?.()
      await this.#starting.catch(() => undefined)
      await this.body.stop()
      // A kill meanwhile lets go of the stop, and finishes by itself.
      if (this.#order === 'stop') this.#finish({ reason: 'stopped' })
    }
    await this.gone
  }

  async kill(): Promise<void> {
    if (this.#isGone) return
    this.#order = 'kill'
    this.#cancelRestart?.()
    await this.body.kill(false)
    this.#finish({ reason: 'killed' })
  }

  /** A kill that counts as a failure: it is restarted when that was declared. */
  async crash(): Promise<void> {
    if (this.#isGone || this.#order !== undefined) return
    const error = unavailable(this.path, 'killed')
    const end: End = { reason: 'killed', error }
    const again = this.failing(end)
    if (!again) return this.kill()
    await this.body.kill(again)
    this.ended(end)
  }

  #startIncarnation(): Promise<void> {
    this.#starting = this.body.start(this.#incarnation++)
    return this.#starting
  }

  async #startAgain(restarts: number): Promise<void> {
    if (this.#order !== undefined) return
    try {
      await this.#startIncarnation()
    } catch (cause) {
      if (this.#order !== undefined) return
      const end: End = { reason: 'failed', error: spawnFailed(this.path, cause) }
      this.failing(end)
      this.ended(end)
      return
    }
    if (this.#order === undefined) this.#announce('restarted', { path: this.path, restarts })
  }

  #finish(end: End): void {
    if (this.#isGone) return
    this.#isGone = true
    this.body.bury(end)
    this.#announce('stopped', { path: this.path, reason: end.reason }, end.error)
    this.#gone.resolve(end)
  }
}

function spawnFailed(path: string, cause: unknown): KaitianError {
  if (cause instanceof KaitianError && cause.code === 'SPAWN_FAILED') return cause
  const { message } = toKaitianError(cause, 'SPAWN_FAILED', `${path} did not start`)
  const text = cause instanceof KaitianError ? `${path} did not start: ${message}` : message
  return new KaitianError('SPAWN_FAILED', text, { cause, fields: { path } })
}
