import { systemClock, type Clock, type Facade } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import type { RunSummary, TrainApi, TrainEvents } from '@kaitian/train'
import { EventEmitter } from 'eventemitter3'

/** The run in its own thread, as seen from here. */
export interface Runtime extends Pick<RuntimeFacade, 'events' | 'dispose'> {
  readonly api: Omit<RuntimeFacade['api'], 'inspect'>
}

type RuntimeFacade = Facade<TrainApi, TrainEvents>

export type TrainingEvents = EventEmitter<{
  [Name in keyof TrainEvents]: (payload: TrainEvents[Name]) => void
}>

const EVENT_NAMES = ['ready', 'generation', 'step', 'fault', 'epoch', 'end'] as const

/** How long a graceful stop may take before the run's thread is ended. */
const GRACE_MS = 1200
/** How long a run that is stopped may take to write its weights and the end of its record. */
const SAVING_MS = 30_000

/**
 * A run under way. It begins by itself, so attach listeners before the first
 * `await`. Close it when you are done, whatever happened: `close()` in a `finally`, or
 * `await using training = train(…)` where the language has that.
 */
export class Training implements AsyncDisposable {
  readonly events: TrainingEvents = new EventEmitter()
  /**
   * How the run ended, also when it was stopped or failed in mid-run: see
   * `outcome` and `error`. Rejects with a KaitianError when the run could not
   * begin, or when its thread died.
   */
  readonly finished: Promise<RunSummary>
  /** How long disposing may wait for files to be written, beside the 1.2 s; 0 without any. */
  readonly savingMs: number
  readonly #opened: Promise<Runtime>
  readonly #clock: Clock
  readonly #end = new AbortController()
  #state: 'opening' | 'running' | 'ended' = 'opening'
  /** The event `end` has come. */
  #told = false

  /** @param files whether the run writes any when it ends */
  constructor(open: () => Promise<Runtime>, clock: Clock = systemClock, files = false) {
    this.#clock = clock
    this.savingMs = files ? SAVING_MS : 0
    this.#opened = open()
    this.finished = this.#run()
  }

  /** Gives the step under way up and ends; settles as `finished` does. */
  async stop(): Promise<RunSummary> {
    if (this.#state === 'opening') this.#end.abort(cancelled('before its first step'))
    // The run may end by itself while it is asked to: then the call fails and the outcome stands.
    if (this.#state === 'running') (await this.#opened).api.stop().catch(() => {})
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
   * ended is for `finished` to say. Idempotent.
   */
  async close(): Promise<void> {
    const ended = this.stop()
    let cancelGrace = this.#endAfter(GRACE_MS + (this.#isWriting() ? this.savingMs : 0))
    this.events.once('end', () => {
      cancelGrace()
      cancelGrace = this.#endAfter(GRACE_MS)
    })
    await Promise.allSettled([ended])
    cancelGrace()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Files are written before `end` is told, and none by a run that has not begun. */
  #isWriting(): boolean {
    return this.#state === 'running' && !this.#told
  }

  #endAfter(ms: number): () => void {
    return this.#clock.after(ms, () =>
      this.#end.abort(cancelled('before it could stop in good order')),
    )
  }

  async #underWay(): Promise<Runtime> {
    const runtime = await this.#opened
    if (this.#state !== 'ended') return runtime
    throw new KaitianError(
      'SYSTEM_STOPPED',
      'The run has ended; a fault can be injected only while it goes on.',
    )
  }

  async #run(): Promise<RunSummary> {
    try {
      return await orAborted(this.#openAndRun(), this.#end.signal)
    } catch (error) {
      throw isShortOfFiles(error) ? tooManyFiles(error) : error
    } finally {
      this.#state = 'ended'
      await this.#opened.then((runtime) => this.#close(runtime)).catch(() => {})
    }
  }

  /** In good order, unless the run has been told to end at once. */
  async #close(runtime: Runtime): Promise<void> {
    await orAborted(runtime.api.close(), this.#end.signal).catch(() => {})
    await runtime.dispose()
  }

  async #openAndRun(): Promise<RunSummary> {
    const { api, events } = await this.#opened
    // The compiler cannot follow that each name goes with its own payload.
    const emit = this.events.emit.bind(this.events) as (name: string, payload: unknown) => boolean
    for (const name of EVENT_NAMES) {
      events.on(name, (payload: unknown) => emit(name, payload))
    }
    this.events.once('end', () => (this.#told = true))
    await api.open()
    this.#end.signal.throwIfAborted()
    this.#state = 'running'
    return api.run()
  }
}

/** Whatever could not be opened: the reason is somewhere among the causes. */
function isShortOfFiles(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'EMFILE' || code === 'ENFILE') return true
    // A thread that could not even begin has only words for it.
    if (code === 'ERR_WORKER_INIT_FAILED' && /E[MN]FILE/.test(message)) return true
  }
  return false
}

function tooManyFiles(cause: unknown): KaitianError {
  return new KaitianError(
    'TOO_MANY_OPEN_FILES',
    'The run needs more open files than this process may have; raise the limit (ulimit -n 4096) or use fewer devices.',
    { cause },
  )
}

/** The promise's outcome, or the signal's reason as soon as it aborts. */
function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function cancelled(when: string): KaitianError {
  return new KaitianError('CANCELLED', `The run was stopped ${when}.`)
}
