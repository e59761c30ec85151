import { availableParallelism } from 'node:os'
import { KaitianError, messageOf, ownFile, type ErrorCode, type ErrorRecord } from '@kaitian/errors'
import type { Piscina } from 'piscina'
import { abortSignal, checkArgument, checkOptions, url, wholeFrom, shapeOf } from '../checks.js'
import { nextTurn } from '../next-turn.js'

export interface PoolOptions {
  /** The module whose default export is the function that runs a task. */
  module: URL
  /** Worker threads; one fewer than the cores unless told. */
  threads?: number
  /** Tasks that may wait; one more is refused with `MAILBOX_FULL`. 1024 unless told. */
  maxQueue?: number
}

/** Worker threads for stateless work on the processor: decoding, augmentation, packing. */
export interface Pool<Task, Result> extends AsyncDisposable {
  /**
   * Rejects with what the task threw, with `CANCELLED` when the signal aborts (which ends the
   * thread of a task that runs: no task may hold state), with `MAILBOX_FULL`, with
   * `THREAD_EXITED` when its thread dies.
   */
  run(task: Task, options?: { signal?: AbortSignal }): Promise<Result>
  /** Ends the threads; tasks that have not ended reject with `SYSTEM_STOPPED`. */
  dispose(): Promise<void>
}

export type PoolOutcome = { value: unknown } | { error: ErrorRecord }

export function openPool<Task, Result>(options: PoolOptions): Pool<Task, Result> {
  return new PiscinaPool<Task, Result>(options)
}

const poolShape = shapeOf<PoolOptions>({
  module: url,
  threads: wholeFrom(1),
  maxQueue: wholeFrom(0),
})
const runShape = shapeOf({ signal: abortSignal })

/** piscina is loaded when it is wanted: most threads open no pool, and would start later for it. */
async function openPiscina<Task>(
  options: ConstructorParameters<typeof Piscina>[0],
): Promise<Piscina<Task, PoolOutcome>> {
  const { Piscina } = await import('piscina')
  const piscina = new Piscina<Task, PoolOutcome>(options)
  // A thread that dies rejects its own task; without a listener it would end the process too.
  piscina.on('error', () => undefined)
  return piscina
}

class PiscinaPool<Task, Result> implements Pool<Task, Result> {
  readonly #module: URL
  readonly #maxQueue: number
  readonly #piscina: Promise<Piscina<Task, PoolOutcome>>
  #disposed = false

  constructor(options: PoolOptions) {
    checkOptions('openPool()', options, poolShape)
    const { module, threads = Math.max(1, availableParallelism() - 1), maxQueue = 1024 } = options
    checkArgument('openPool()', 'module', module, url)
    this.#module = module
    this.#maxQueue = maxQueue
    this.#piscina = openPiscina({
      filename: ownFile('./pool/pool-thread.cjs', import.meta.url).href,
      workerData: {
        main: ownFile('./pool/pool-main.js', import.meta.url).href,
        module: module.href,
      },
      minThreads: threads,
      maxThreads: threads,
      maxQueue,
      // 'sync', the default, blocks the worker's event loop between tasks.
      atomics: 'async',
      recordTiming: false,
    })
    // Who runs a task hears of it.
    this.#piscina.catch(() => undefined)
  }

  async run(task: Task, options: { signal?: AbortSignal } = {}): Promise<Result> {
    checkOptions('run() of a pool', options, runShape)
    let outcome: PoolOutcome
    try {
      const piscina = await this.#piscina
      outcome = await piscina.run(task, options.signal ? { signal: options.signal } : {})
    } catch (cause) {
      throw this.#lost(cause, options.signal)
    }
    if ('error' in outcome) throw KaitianError.fromRecord(outcome.error)
    return outcome.value as Result
  }

  async dispose(): Promise<void> {
    this.#disposed = true
    const piscina = await this.#piscina.catch(() => undefined)
    await piscina?.destroy()
    // A thread's ports are closed at the end of the turn in which it is gone (A7).
    await nextTurn()
    await nextTurn()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  /** piscina's own errors have no codes: told apart by what is known here, then by their words. */
  #lost(cause: unknown, signal: AbortSignal | undefined): KaitianError {
    const detail = messageOf(cause)
    const [code, advice] = this.#diagnose(cause, detail, signal)
    return new KaitianError(
      code,
      `A task of ${this.#module.href} was lost (${detail}); ${advice}`,
      {
        cause,
        fields: { module: this.#module.href },
      },
    )
  }

  #diagnose(cause: unknown, detail: string, signal?: AbortSignal): [ErrorCode, string] {
    if (signal?.aborted) return ['CANCELLED', 'its signal aborted']
    if (this.#disposed) return ['SYSTEM_STOPPED', 'the pool was disposed; open another one']
    if (/queue/i.test(detail)) {
      return ['MAILBOX_FULL', `wait for some of the ${this.#maxQueue} that wait, or raise maxQueue`]
    }
    if (cause instanceof DOMException && cause.name === 'DataCloneError') {
      return ['MESSAGE_NOT_CLONEABLE', 'use plain data, typed arrays and shared buffers']
    }
    return ['THREAD_EXITED', 'its thread died; the next task gets a new one']
  }
}
