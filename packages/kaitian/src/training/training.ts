import { systemClock, type Clock, type Facade } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import type {
  RunSummary,
  SentEvents,
  SentSummary,
  TrainApi,
  TrainEvents as RunEvents,
} from '@kaitian/train'
import { EventEmitter } from 'eventemitter3'
import { Account, type Files } from './account.js'
import { failureOf } from './failure.js'

/** The run in its own thread, as seen from here. */
export interface Runtime extends Pick<RuntimeFacade, 'events' | 'dispose'> {
  readonly api: Omit<RuntimeFacade['api'], 'inspect'>
}

type RuntimeFacade = Facade<TrainApi, SentEvents>

/** What a run tells while it goes on. */
export interface TrainEvents extends RunEvents {
  /** The run has failed; `end` comes next, with the same error. Nobody has to listen. */
  error: KaitianError
}

export type TrainingEvents = EventEmitter<{
  [Name in keyof TrainEvents]: (payload: TrainEvents[Name]) => void
}>

const FORWARDED = ['ready', 'generation', 'step', 'fault', 'epoch', 'log'] as const

/** How long a graceful stop may take before the run's thread is ended. */
const GRACE_MS = 1200
/** How long a run that is stopped may take to write its weights and the end of its record. */
const SAVING_MS = 30_000

export interface TrainingSetting {
  readonly clock?: Clock
  /** Aborting it stops the run. */
  readonly signal?: AbortSignal
  readonly files?: Files
}

/**
 * A run under way. It begins by itself, so attach listeners before the first
 * `await`. Close it when you are done, whatever happened: `close()` in a `finally`, or
 * `await using training = train(…)` where the language has that.
 */
export class Training implements AsyncDisposable {
  readonly events: TrainingEvents = new EventEmitter()
  /**
   * How the run ended, whatever that was: see `outcome` and `error`. Never rejects, so it may be left
   * alone. Nothing of the run is left when it resolves.
   */
  readonly finished: Promise<RunSummary>
  /** How long disposing may wait for files to be written, beside the 1.2 s; 0 without any. */
  readonly savingMs: number
  readonly #opening: Promise<Runtime>
  readonly #clock: Clock
  readonly #account: Account
  /** Aborts when the run is not waited for any longer; its thread may still end in good order. */
  readonly #cut = new AbortController()
  /** Aborts when that is not waited for either. */
  readonly #force = new AbortController()
  #running: Runtime | undefined
  #isEnded = false
  #summary: RunSummary | undefined
  #closed: Promise<void> | undefined
  /** Set while `close` waits. */
  #onSummary: (() => void) | undefined

  /** @param open starts the run's thread; may be given up by its signal */
  constructor(
    open: (signal: AbortSignal) => Promise<Runtime>,
    { clock = systemClock, signal, files = {} }: TrainingSetting = {},
  ) {
    this.#clock = clock
    this.#account = new Account(clock, files)
    this.savingMs = files.save === undefined && files.record === undefined ? 0 : SAVING_MS
    if (signal?.aborted === true) this.#cut.abort()
    this.#opening = signal?.aborted === true ? never() : open(this.#force.signal)
    this.#opening.catch(() => {}) // `#run` tells
    this.finished = this.#run(signal)
  }

  /**
   * Gives the step under way up and ends; before the first step, what has been started. Resolves as
   * `finished` does. Of no effect on a run that has ended.
   */
  stop(): Promise<RunSummary> {
    // The run may end by itself while it is asked to: then the call fails and the outcome stands.
    if (!this.#isEnded) {
      if (this.#running === undefined) this.#cut.abort()
      else this.#running.api.stop().catch(() => {})
    }
    return this.finished
  }

  /** Fault injection: ends the device's thread at once; the others go on without it. */
  async kill(device: string): Promise<void> {
    const { api } = await this.#underWay()
    await api.kill(device)
  }

  /** Fault injection: the device takes `factor` (at least 1) times as long from now on; 1 restores it. */
  async slow(device: string, factor: number): Promise<void> {
    if (!(factor >= 1 && Number.isFinite(factor))) {
      throw new KaitianError(
        'BAD_ARGUMENT',
        `A device cannot be slowed ${factor} times; give 1 or more.`,
        {
          fields: { device, factor },
        },
      )
    }
    const { api } = await this.#underWay()
    await api.slow(device, factor)
  }

  /**
   * Stops the run if it still goes on, and ends its thread if that takes longer than 1.2 seconds; a
   * run that writes weights or a record has 30 seconds more for them. Never rejects; how the run
   * ended is for `finished` to say. At any time, and as often as you like: nothing is left when it
   * resolves.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const ended = this.stop()
    let cancelGrace = this.#forceAfter(GRACE_MS + (this.#isWriting() ? this.savingMs : 0))
    this.#onSummary = () => {
      cancelGrace()
      cancelGrace = this.#forceAfter(GRACE_MS)
    }
    await ended
    cancelGrace()
  }

  /** Files are written before `end` is told, and none by a run that has not begun. */
  #isWriting(): boolean {
    return this.#running !== undefined && this.#summary === undefined
  }

  #forceAfter(ms: number): () => void {
    return this.#clock.after(ms, () => {
      this.#cut.abort()
      this.#force.abort()
    })
  }

  async #underWay(): Promise<Runtime> {
    const runtime = this.#isEnded ? undefined : await this.#opening
    if (runtime !== undefined && !this.#isEnded) return runtime
    throw new KaitianError(
      'SYSTEM_STOPPED',
      'The run has ended; a fault can be injected only while it goes on.',
    )
  }

  async #run(signal: AbortSignal | undefined): Promise<RunSummary> {
    const stop = (): void => void this.stop()
    signal?.addEventListener('abort', stop, { once: true })
    const failure = await this.#failure()
    this.#isEnded = true
    signal?.removeEventListener('abort', stop)
    // Taken now, for it counts the time. The run may still tell its own while it ends.
    const unsaid = this.#unsaid(failure)
    await this.#giveBack()
    return this.#summary ?? this.#tell(unsaid)
  }

  /** Waits for the run's end, or for the end of patience. Resolves with what was thrown. */
  async #failure(): Promise<unknown> {
    try {
      await unless(this.#cut.signal, this.#openAndRun())
      return undefined
    } catch (error) {
      return error
    }
  }

  async #openAndRun(): Promise<void> {
    const runtime = await this.#opening
    if (this.#cut.signal.aborted) return
    this.#listen(runtime.events)
    await runtime.api.open()
    if (this.#cut.signal.aborted) return
    this.#running = runtime
    await runtime.api.run()
  }

  #listen(events: Runtime['events']): void {
    this.#account.follow(events)
    for (const name of FORWARDED) {
      // The compiler cannot follow that each name goes with its own payload.
      events.on(name, (payload: RunEvents[typeof name]) => this.#emit(name, payload))
    }
    events.on('end', (sent) => void this.#tell(received(sent)))
  }

  /** Makes the summary known, once. */
  #tell(summary: RunSummary): RunSummary {
    this.#summary = summary
    this.#onSummary?.()
    if (summary.error !== undefined) this.#emit('error', summary.error)
    this.#emit('end', summary)
    return summary
  }

  /** What a listener throws is an uncaught error of the program; the run goes on. */
  #emit<Name extends keyof TrainEvents>(name: Name, payload: TrainEvents[Name]): void {
    const emit = this.events.emit.bind(this.events) as (name: string, payload: unknown) => boolean
    try {
      emit(name, payload)
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }

  /** The summary of a run that did not tell its own. */
  #unsaid(failure: unknown): RunSummary {
    if (this.#cut.signal.aborted) return this.#account.summary('stopped')
    return this.#account.summary('failed', failureOf(failure))
  }

  /** In good order, unless that takes too long after a stop. */
  async #giveBack(): Promise<void> {
    const isCut = this.#cut.signal.aborted && !this.#force.signal.aborted
    const cancelGrace = isCut ? this.#forceAfter(GRACE_MS) : () => {}
    try {
      const runtime = await this.#opening
      await unless(this.#force.signal, runtime.api.close()).catch(() => {})
      await runtime.dispose()
    } catch {
      // What did not open, or whose thread cannot be ended: nothing more can be done here.
    } finally {
      cancelGrace()
    }
  }
}

function received({ error, ...summary }: SentSummary): RunSummary {
  return error === undefined ? summary : { ...summary, error: KaitianError.fromRecord(error) }
}

/** A run that was stopped before anything was started. */
async function never(): Promise<never> {
  throw new KaitianError('CANCELLED', 'The run was stopped before it began.')
}

/** The promise's outcome; rejects as soon as the signal aborts. */
function unless<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
