import type { MessagePort } from 'node:worker_threads'
import type { ErrorRecord } from '@kaitian/errors'
import type { Frame } from './wire.js'

/** Posts the frames of one turn of the event loop together: a post costs more than a frame. */
export class Outbox {
  readonly #onUncloneable: (frame: Frame, cause: unknown) => void
  #frames: Frame[] = []
  #port: MessagePort | undefined
  #scheduled = false
  /** The last frame of acknowledgements, while more may be added to it. */
  #handled: number[] | undefined

  constructor(onUncloneable: (frame: Frame, cause: unknown) => void) {
    this.#onUncloneable = onUncloneable
  }

  /** What was pushed before waits for this. */
  attach(port: MessagePort): void {
    this.#port = port
    this.flush()
  }

  /** Drops what has not been posted. */
  detach(): void {
    this.#port = undefined
    this.#frames = []
    this.#handled = undefined
  }

  push(frame: Frame): void {
    this.#frames.push(frame)
    if (this.#scheduled || this.#port === undefined) return
    this.#scheduled = true
    queueMicrotask(() => this.flush())
  }

  pushHandled(id: number): void {
    if (this.#handled !== undefined) return void this.#handled.push(id)
    this.#handled = [id]
    this.push({ t: 'handled', ids: this.#handled })
  }

  flush(): void {
    this.#scheduled = false
    this.#handled = undefined
    if (this.#port === undefined || this.#frames.length === 0) return
    const frames = this.#frames
    this.#frames = []
    try {
      post(this.#port, frames)
    } catch {
      // One of them cannot be cloned: find it, so that the others still go, in order.
      for (const frame of frames) this.#postAlone(frame)
    }
  }

  #postAlone(frame: Frame): void {
    if (this.#port === undefined) return
    try {
      post(this.#port, [frame])
    } catch (cause) {
      const plain = withoutFields(frame)
      if (plain === undefined) this.#onUncloneable(frame, cause)
      else post(this.#port, [plain])
    }
  }
}

function post(port: MessagePort, frames: Frame[]): void {
  const transfer = frames.flatMap((frame) => (frame.t === 'introduced' ? [frame.port] : []))
  port.postMessage(frames, transfer)
}

/** An error's fields are the user's and may not be cloneable; what it says still travels. */
function withoutFields(frame: Frame): Frame | undefined {
  if ('error' in frame && frame.error !== undefined) {
    return { ...frame, error: bare(frame.error) }
  }
  if ('end' in frame && frame.end.error !== undefined) {
    return { ...frame, end: { ...frame.end, error: bare(frame.end.error) } }
  }
  if (frame.t === 'event' && frame.event.error !== undefined) {
    return { ...frame, event: { ...frame.event, error: bare(frame.event.error) } }
  }
  return undefined
}

function bare(error: ErrorRecord): ErrorRecord {
  const { fields: _, cause, ...rest } = error
  return cause === undefined ? rest : { ...rest, cause: bare(cause) }
}
