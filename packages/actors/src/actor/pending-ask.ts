import { KaitianError } from '@kaitian/errors'
import type { Clock } from '../clock.js'
import type { AskOptions } from '../api/ref.js'

/** The asker's side of an ask. The first settlement counts; all later ones are ignored (A3). */
export class PendingAsk {
  readonly promise: Promise<unknown>
  #settled = false
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  #cancelTimer: (() => void) | undefined
  #stopListening: (() => void) | undefined
  /** Called when the asker gives up before an answer. */
  onGiveUp: (() => void) | undefined

  constructor(path: string, message: string, options: AskOptions | undefined, clock: Clock) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (options === undefined) return
    const fields = { path, message, timeoutMs: options.timeoutMs }
    const { signal, timeoutMs } = options
    if (signal !== undefined) {
      const onAbort = (): void => this.#giveUp(aborted(fields, signal))
      if (signal.aborted) {
        onAbort()
        return
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#stopListening = () => signal.removeEventListener('abort', onAbort)
    }
    if (timeoutMs === undefined) return
    this.#cancelTimer = clock.after(timeoutMs, () => this.#giveUp(timedOut(fields)))
  }

  get settled(): boolean {
    return this.#settled
  }

  resolve(value: unknown): void {
    if (this.#close()) this.#resolve(value)
  }

  reject(error: KaitianError): void {
    if (this.#close()) this.#reject(error)
  }

  #giveUp(error: KaitianError): void {
    if (!this.#close()) return
    this.#reject(error)
    this.onGiveUp?.()
  }

  /** False when it was settled before. */
  #close(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#cancelTimer?.()
    this.#stopListening?.()
    return true
  }
}

interface AskFields extends Record<string, unknown> {
  path: string
  message: string
  timeoutMs: number | undefined
}

function timedOut(fields: AskFields): KaitianError {
  const { path, message, timeoutMs } = fields
  return new KaitianError(
    'ASK_TIMEOUT',
    `${path} did not answer "${message}" within ${timeoutMs} ms; it may be busy, or waiting for the asker`,
    { fields },
  )
}

function aborted(fields: AskFields, signal: AbortSignal): KaitianError {
  return new KaitianError(
    'ASK_ABORTED',
    `The ask "${fields.message}" of ${fields.path} was aborted`,
    {
      cause: signal.reason,
      fields,
    },
  )
}
