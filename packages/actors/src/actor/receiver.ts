import type { MailboxOptions } from '../api/context.js'
import type { DeadLetterReason } from '../api/events.js'
import type { TellOutcome, Trace } from '../api/ref.js'
import { deferred, type Deferred } from '../deferred.js'
import type { Site } from '../site/site.js'
import type { Address } from '../site/wire.js'
import { deadLetterReason, unavailable, type End } from '../supervision/failure.js'
import { defaultCapacity } from '../supervision/options.js'
import type { FlowConsumer } from './flow-consumer.js'
import type { Handle } from './handle.js'
import { admit, Mailbox } from './mailbox.js'
import type { Origin } from './origin.js'
import type { PendingAsk } from './pending-ask.js'
import { messagesOf, type MessageTable } from './table.js'
import type { Target } from './target.js'

/** What a test kit does to the messages and turns of an actor. */
export interface CellFaults {
  readonly stalled: boolean
  /** Undefined: deliver it as usual. */
  intercept(deliver: () => TellOutcome, drop: () => TellOutcome): TellOutcome | undefined
}

/** Why messages are refused just now. */
export interface Refusal {
  reason: DeadLetterReason
  cause: Error | undefined
}

/** An actor of this thread from outside: takes messages in or refuses them (A6), and is watched. */
export abstract class Receiver implements Target {
  readonly id: number
  readonly path: string
  readonly table: MessageTable
  readonly site: Site
  readonly mailbox = new Mailbox<Origin>()
  /** Its ref in this thread, once there is one. */
  handle: Handle | undefined = undefined
  faults: CellFaults | undefined = undefined
  /** Undefined while messages are taken. */
  refusing: Refusal | undefined = undefined
  /** How it ended, if it has, for good. */
  end: End | undefined = undefined
  readonly #options: MailboxOptions | undefined
  #watchers: Set<(end: End) => void> | undefined = undefined
  #rooms: Deferred<void>[] | undefined = undefined

  constructor(
    site: Site,
    id: number,
    path: string,
    table: MessageTable,
    options: MailboxOptions | undefined,
  ) {
    this.site = site
    this.id = id
    this.path = path
    this.table = table
    this.#options = options
  }

  /** It may have something to do. */
  abstract wake(): void
  protected abstract dropOldest(): void
  protected abstract publish(): void

  get capacity(): number {
    return this.#options?.capacity ?? defaultCapacity
  }

  /** Makes it known to other threads. */
  get address(): Address {
    this.publish()
    return {
      site: this.site.id,
      id: this.id,
      path: this.path,
      capacity: this.capacity,
      overflow: this.#options?.overflow ?? 'reject',
      messages: messagesOf(this.table),
    }
  }

  tell(index: number, payload: unknown, trace: Trace | undefined): TellOutcome {
    this.site.book.sent++
    return this.deliver(index, payload, undefined, trace)
  }

  ask(index: number, payload: unknown, asker: PendingAsk | FlowConsumer, trace?: Trace): void {
    this.site.book.sent++
    this.deliver(index, payload, asker, trace)
  }

  deliver(
    index: number,
    payload: unknown,
    origin: Origin | undefined,
    trace: Trace | undefined,
  ): TellOutcome {
    if (this.faults !== undefined) {
      const outcome = this.faults.intercept(
        () => this.#admit(index, payload, origin, trace),
        () => this.#drop(index, origin),
      )
      if (outcome !== undefined) return outcome
    }
    return this.#admit(index, payload, origin, trace)
  }

  async room(): Promise<void> {
    while (this.mailbox.size >= this.capacity || this.refusing !== undefined) {
      if (this.end !== undefined) throw unavailable(this.path, deadLetterReason(this.end))
      const room = deferred<void>()
      this.#rooms ??= []
      this.#rooms.push(room)
      await room.promise
    }
  }

  watch(callback: (end: End) => void): () => void {
    if (this.end !== undefined) {
      const { end } = this
      let watching = true
      this.site.scheduler.soon(() => {
        if (watching) callback(end)
      })
      return () => {
        watching = false
      }
    }
    // A closure of its own, so that one callback may watch twice.
    const watcher = (end: End): void => callback(end)
    this.#watchers ??= new Set()
    this.#watchers.add(watcher)
    return () => void this.#watchers?.delete(watcher)
  }

  refuse(
    index: number,
    origin: Origin | undefined,
    reason: DeadLetterReason,
    cause?: Error,
  ): 'rejected' {
    if (origin !== undefined) origin.dead(reason, index, this.path, cause)
    else this.site.book.dead(this.path, 'tell', this.table.names[index], reason)
    return 'rejected'
  }

  /** Why messages are refused, once they are. */
  get refusal(): Refusal {
    return this.refusing ?? { reason: 'stopped', cause: undefined }
  }

  /** One has left, or messages are taken again, or never will be. */
  protected roomAgain(): void {
    const rooms = this.#rooms
    if (rooms === undefined) return
    this.#rooms = undefined
    for (const room of rooms) room.resolve()
  }

  protected tellWatchers(end: End): void {
    const watchers = this.#watchers
    this.#watchers = undefined
    if (watchers !== undefined) for (const watcher of watchers) watcher(end)
  }

  #admit(
    index: number,
    payload: unknown,
    origin: Origin | undefined,
    trace: Trace | undefined,
  ): TellOutcome {
    if (this.refusing !== undefined) {
      return this.refuse(index, origin, this.refusing.reason, this.refusing.cause)
    }
    const { mailbox } = this
    if (mailbox.size >= this.capacity) return this.#overflow(index, payload, origin, trace)
    mailbox.push(index, payload, origin, trace)
    this.wake()
    return 'queued'
  }

  #drop(index: number, origin: Origin | undefined): 'dropped' {
    this.refuse(index, origin, 'dropped')
    return 'dropped'
  }

  #overflow(
    index: number,
    payload: unknown,
    origin: Origin | undefined,
    trace: Trace | undefined,
  ): TellOutcome {
    const { mailbox } = this
    switch (admit(mailbox.size, this.capacity, this.#options?.overflow ?? 'reject')) {
      case 'queue':
      case 'hold':
        mailbox.push(index, payload, origin, trace)
        return 'waiting'
      case 'drop-oldest':
        this.dropOldest()
        mailbox.push(index, payload, origin, trace)
        return 'queued'
      case 'drop-newest':
        return this.#drop(index, origin)
      case 'reject':
        return this.refuse(index, origin, 'mailbox-full')
    }
  }
}
