import type { ErrorRecord } from '@kaitian/errors'
import type { TransferListItem } from 'node:worker_threads'
import type { Scheduler } from '../actor/turns.js'
import type { Port } from '../transport/port.js'
import { checkMovable } from './parcel.js'
import { Op, opcode, type EndRecord, type Post, type TreeFrame } from './wire.js'

/** Posts the frames of one turn of the event loop together: a post costs more than a frame. */
export class Outbox {
  readonly #scheduler: Scheduler
  /** Adds what waited for the next post. */
  readonly #onFlush: () => void
  readonly #onUncloneable: (frame: Post, cause: unknown) => void
  readonly #onDropped: (frame: TreeFrame) => void
  #frames: Post = []
  /** Where each frame begins. */
  #starts: number[] = []
  #transfer: { frame: number; items: readonly TransferListItem[] }[] = []
  #port: Port | undefined
  #scheduled = false
  #closed = false

  constructor(
    scheduler: Scheduler,
    onFlush: () => void,
    onUncloneable: (frame: Post, cause: unknown) => void,
    onDropped: (frame: TreeFrame) => void,
  ) {
    this.#scheduler = scheduler
    this.#onFlush = onFlush
    this.#onUncloneable = onUncloneable
    this.#onDropped = onDropped
  }

  /** What was written before waits for this. */
  attach(port: Port): void {
    this.#port = port
    this.flush()
  }

  /** Drops what has not been posted. */
  detach(): void {
    this.#port = undefined
    const frames = this.#frames
    const starts = this.#starts
    this.#clear()
    for (const start of starts) {
      if (((frames[start] as number) & opcode) !== Op.tree) continue
      this.#onDropped(frames[start + 1] as TreeFrame)
    }
  }

  /** Drops also what is written from here on. */
  close(): void {
    this.detach()
    this.#closed = true
  }

  /** The caller pushes one frame. */
  open(items?: readonly TransferListItem[]): Post {
    if (this.#closed) return []
    if (items !== undefined) this.#transfer.push({ frame: this.#starts.length, items })
    this.#starts.push(this.#frames.length)
    this.schedule()
    return this.#frames
  }

  /** Posts before the event loop goes on. */
  schedule(): void {
    if (this.#scheduled || this.#port === undefined) return
    this.#scheduled = true
    this.#scheduler.soon(this.flush)
  }

  readonly flush = (): void => {
    this.#scheduled = false
    if (this.#port === undefined) return
    // Not scheduled again for what is added here: it goes with this post.
    this.#scheduled = true
    this.#onFlush()
    this.#scheduled = false
    if (this.#frames.length === 0) return
    const frames = this.#frames
    const starts = this.#starts
    const transfer = this.#transfer
    this.#clear()
    try {
      const items = transfer.length === 0 ? undefined : transfer.flatMap((entry) => entry.items)
      if (items !== undefined) checkMovable(items)
      this.#port.post(frames, items)
    } catch {
      // One of them cannot be cloned: find it, so that the others still go, in order.
      for (let i = 0; i < starts.length; i++) {
        const items = transfer.filter(({ frame }) => frame === i).flatMap((entry) => entry.items)
        this.#postAlone(frames.slice(starts[i], starts[i + 1]), items)
      }
    }
  }

  #postAlone(frame: Post, transfer: TransferListItem[]): void {
    const cause = this.#tryToPost(frame, transfer)
    if (cause === undefined) return
    const plain = withoutFields(frame)
    if (plain !== undefined && this.#tryToPost(plain, []) === undefined) return
    if (((frame[0] as number) & opcode) === Op.tree) this.#onDropped(frame[1] as TreeFrame)
    else this.#onUncloneable(frame, cause.thrown)
  }

  /** Returns what was thrown. */
  #tryToPost(frame: Post, transfer: TransferListItem[]): { thrown: unknown } | undefined {
    try {
      checkMovable(transfer)
      this.#port?.post(frame, transfer)
      return undefined
    } catch (thrown) {
      return { thrown }
    }
  }

  #clear(): void {
    this.#frames = []
    this.#starts = []
    this.#transfer = []
  }
}

/**
 * An error's fields are the user's and may be too large; what it says still travels, if cut short.
 * Undefined when there is nothing that could be left out.
 */
function withoutFields(frame: Post): Post | undefined {
  switch ((frame[0] as number) & opcode) {
    case Op.refused:
      return [frame[0], frame[1], bare(frame[2] as ErrorRecord)]
    case Op.dead: {
      const error = frame[3] as ErrorRecord | undefined
      return error && [frame[0], frame[1], frame[2], bare(error)]
    }
    case Op.down:
      return [frame[0], frame[1], bareEnd(frame[2] as EndRecord)]
    case Op.tree: {
      const tree = bareTree(frame[1] as TreeFrame)
      return tree && [frame[0], tree]
    }
    default:
      return undefined
  }
}

function bareTree(frame: TreeFrame): TreeFrame | undefined {
  if (frame.t === 'started' && frame.error !== undefined) {
    return { ...frame, error: bare(frame.error) }
  }
  if (frame.t === 'failing') return { ...frame, error: bare(frame.error) }
  if (frame.t === 'ended') return { ...frame, end: bareEnd(frame.end) }
  if (frame.t === 'gone')
    return { ...frame, notice: { ...frame.notice, end: bareEnd(frame.notice.end) } }
  if (frame.t === 'event' && frame.event.error !== undefined) {
    return { ...frame, event: { ...frame.event, error: bare(frame.event.error) } }
  }
  // Who has asked counts it as one that does not answer.
  if (frame.t === 'answer') return { ...frame, value: undefined }
  return undefined
}

function bareEnd(end: EndRecord): EndRecord {
  return end.error === undefined ? end : { ...end, error: bare(end.error) }
}

const longestText = 10_000

function bare(error: ErrorRecord): ErrorRecord {
  const { name, message, code, stack, cause } = error
  return {
    name: name.slice(0, longestText),
    message: message.slice(0, longestText),
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack: stack.slice(0, longestText) }),
    ...(cause === undefined ? {} : { cause: bare(cause) }),
  }
}
