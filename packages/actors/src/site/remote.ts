import type { KaitianError } from '@kaitian/errors'
import type { DeadLetterReason } from '../api/events.js'
import type { TellOutcome, Trace } from '../api/ref.js'
import type { FlowConsumer } from '../actor/flow-consumer.js'
import { admit, Mailbox } from '../actor/mailbox.js'
import type { PendingAsk } from '../actor/pending-ask.js'
import { tableFrom, type MessageTable } from '../actor/table.js'
import type { Target } from '../actor/target.js'
import { deferred, type Deferred } from '../deferred.js'
import { unavailable, type End } from '../supervision/failure.js'
import type { Link } from './link.js'
import { firstActorId, type Address } from './wire.js'

export type Asker = PendingAsk | FlowConsumer

/** Asks an actor below another site's whether it has room. Takes up none itself, and is no message. */
export class RoomQuery {
  readonly kind = 'room'
  readonly to: string
  readonly #answer = deferred<boolean>()

  constructor(to: string) {
    this.to = to
  }

  /** True: there is room. False: no answer will come. Rejects when the actor is gone. */
  get promise(): Promise<boolean> {
    return this.#answer.promise
  }

  handled(): void {
    this.#answer.resolve(true)
  }

  lost(): void {
    this.#answer.resolve(false)
  }

  refused(error: KaitianError): void {
    this.#answer.reject(error)
  }

  dead(reason: DeadLetterReason, _index: number, path: string): void {
    this.#answer.reject(unavailable(path, reason))
  }

  deadWith(_reason: DeadLetterReason, error: KaitianError): void {
    this.#answer.reject(error)
  }
}

/** An actor in another thread, seen from the sender's side. */
export class RemoteTarget implements Target {
  readonly address: Address
  readonly table: MessageTable
  readonly #link: Link
  readonly #watchers = new Set<(end: End) => void>()
  /**
   * Messages from this thread whose outcome is not known yet. Held to the mailbox's capacity,
   * so the sender learns of an overflow at once and a port's queue is bounded too (A6).
   */
  #inFlight = 0
  /** Of these, the tells, by message. */
  readonly #tells: number[] = []
  /** Waits here until there is room on the way. */
  #held: Mailbox<Asker> | undefined
  #rooms: Deferred<void>[] = []
  /** News of it is on its way, so that it must be found by its number. */
  #awaited = false
  /** Tells that it was heard to have handled. */
  #handledTells = 0

  constructor(link: Link, address: Address) {
    this.#link = link
    this.address = address
    this.table = tableFrom(address.messages)
  }

  get path(): string {
    return this.address.path
  }

  get watched(): boolean {
    return this.#watchers.size > 0
  }

  tell(index: number, payload: unknown, trace: Trace | undefined): TellOutcome {
    this.#link.book.sent++
    return this.#admit(index, payload, undefined, trace)
  }

  ask(index: number, payload: unknown, asker: Asker, trace: Trace | undefined): void {
    this.#link.book.sent++
    this.#admit(index, payload, asker, trace)
  }

  async room(): Promise<void> {
    const before = this.#handledTells
    // The news of a whole thread's end comes here by itself; an actor below it must be asked.
    let isThere = this.address.id === firstActorId
    for (;;) {
      const { gone, refusal } = this.#link
      // As an ask would.
      if (gone && refusal !== undefined)
        throw unavailable(this.path, refusal, this.#link.end?.error)
      if (refusal !== undefined || this.#depth >= this.address.capacity) await this.#wait()
      else if (isThere || this.#handledTells !== before) return
      else isThere = await this.#link.askForRoom(this)
    }
  }

  watch(callback: (end: End) => void): () => void {
    const watcher = (end: End): void => callback(end)
    const isFirst = this.#watchers.size === 0
    this.#watchers.add(watcher)
    this.#await()
    if (isFirst) this.#link.startWatch(this)
    return () => {
      if (!this.#watchers.delete(watcher) || this.watched) return
      this.#link.endWatch(this)
      this.#rest()
    }
  }

  down(end: End): void {
    const watchers = [...this.#watchers]
    this.#watchers.clear()
    for (const watcher of watchers) watcher(end)
    this.roomAgain()
  }

  /** One more is on its way. */
  departed(index: number, isTell: boolean): void {
    this.#inFlight++
    if (isTell) this.#tells[index] = (this.#tells[index] ?? 0) + 1
    this.#await()
  }

  /** So many tells were handled. */
  handled(index: number, count: number): void {
    this.#handledTells += count
    this.arrivedTells(index, count)
  }

  /** The outcome of so many tells is known. */
  arrivedTells(index: number, count: number): void {
    this.#tells[index] -= count
    this.arrived(count)
  }

  /** So many have left the way: their outcome is known, or will be told to who asked. */
  arrived(count: number): void {
    this.#inFlight -= count
    const held = this.#held
    // oxlint-disable-next-line no-unmodified-loop-condition -- `take` and `transmit` change it
    while (held !== undefined && this.#inFlight < this.address.capacity && held.take()) {
      if (held.origin?.cancelled === true) this.#bury(held, 'aborted')
      else this.#link.transmit(this, held.index, held.payload, held.origin, held.trace)
      held.release()
    }
    if (this.#rooms.length > 0 && this.#depth < this.address.capacity) this.roomAgain()
    else this.#rest()
  }

  /** The peer is gone: what is held back, and the tells on their way, will not arrive. */
  lose(reason: DeadLetterReason, error: Error | undefined): void {
    const held = this.#held
    this.#held = undefined
    while (held?.take() === true) this.#bury(held, reason, error)
    this.#tells.forEach((count, index) => {
      if (count > 0) this.#link.book.dead(this.path, 'tell', this.table.names[index], reason, count)
    })
    this.#tells.length = 0
    this.#inFlight = 0
    this.roomAgain()
  }

  roomAgain(): void {
    for (const room of this.#rooms.splice(0)) room.resolve()
    this.#rest()
  }

  bounce(
    index: number,
    asker: Asker | undefined,
    reason: DeadLetterReason,
    cause?: Error,
  ): 'rejected' {
    if (asker !== undefined) asker.dead(reason, index, this.path, cause)
    else this.#link.book.dead(this.path, 'tell', this.table.names[index], reason)
    return 'rejected'
  }

  get #depth(): number {
    return this.#inFlight + (this.#held?.size ?? 0)
  }

  /** Until there may be room. */
  #wait(): Promise<void> {
    const room = deferred<void>()
    this.#rooms.push(room)
    this.#await()
    return room.promise
  }

  #await(): void {
    if (this.#awaited) return
    this.#awaited = true
    this.#link.targets.hold(this)
  }

  /** Forgotten by its number when nothing more is to come: then its refs alone keep it. */
  #rest(): void {
    if (!this.#awaited || this.#depth > 0 || this.watched || this.#rooms.length > 0) return
    this.#awaited = false
    this.#link.targets.release(this)
  }

  #bury(held: Mailbox<Asker>, reason: DeadLetterReason, cause?: Error): void {
    this.bounce(held.index, held.origin, reason, cause)
  }

  #admit(
    index: number,
    payload: unknown,
    asker: Asker | undefined,
    trace: Trace | undefined,
  ): TellOutcome {
    const { refusal } = this.#link
    if (refusal !== undefined) return this.bounce(index, asker, refusal, this.#link.end?.error)
    const { capacity, overflow } = this.address
    switch (admit(this.#depth, capacity, overflow)) {
      case 'queue':
        return this.#link.transmit(this, index, payload, asker, trace)
      case 'hold':
        this.#hold(index, payload, asker, trace)
        return 'waiting'
      case 'drop-oldest': {
        this.#hold(index, payload, asker, trace)
        const held = this.#held as Mailbox<Asker>
        if (held.size > capacity && held.take()) this.#bury(held, 'dropped')
        return 'queued'
      }
      case 'drop-newest':
        this.bounce(index, asker, 'dropped')
        return 'dropped'
      case 'reject':
        return this.bounce(index, asker, 'mailbox-full')
    }
  }

  #hold(index: number, payload: unknown, asker: Asker | undefined, trace?: Trace): void {
    this.#held ??= new Mailbox()
    this.#held.push(index, payload, asker, trace)
  }
}
