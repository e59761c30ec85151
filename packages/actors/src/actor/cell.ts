import { KaitianError } from '@kaitian/errors'
import type { Body, Supervisor } from '../supervision/body.js'
import type { BookEntry, Envelope } from './book.js'
import { LocalEnvelope } from './book.js'
import { deferred, type Deferred } from '../deferred.js'
import type { DeadLetterReason } from '../api/events.js'
import { deadLetterReason, faultOf, unavailable, type End } from '../supervision/failure.js'
import type { Target } from './handle.js'
import type { Incarnation } from './incarnation.js'
import { Mailbox } from './mailbox.js'
import type { TellOutcome } from '../api/ref.js'
import type { Turns, TurnTaker } from './turns.js'
import type { Address } from '../site/wire.js'

/** On the system's lane: run it as a turn. */
type Notice = () => void

/**
 * An actor in this thread: its mailbox, and its incarnation while it has one. A1 holds because
 * nothing but `takeTurns` runs its code, and that not while `#busy`.
 */
export class Cell implements Body, Target, TurnTaker {
  readonly address: Address
  readonly #turns: Turns
  readonly #makeLife: (cell: Cell, incarnation: number) => Incarnation
  readonly #supervisor: Supervisor
  readonly #mailbox: Mailbox<Envelope, Notice>
  readonly #watchers = new Set<(end: End) => void>()
  #life: Incarnation | undefined
  /** Why messages are refused just now, if they are. */
  #refusal: { reason: DeadLetterReason; cause: KaitianError | undefined } | undefined
  #enlisted = false
  /** A handler's promise is pending, or `start` is. */
  #busy = false
  #inHand: Envelope | undefined
  #stopTurn: Deferred<void> | undefined
  /** Disposal after a failure, while it lasts. */
  #closing: Promise<void> | undefined
  #end: End | undefined

  constructor(
    address: Address,
    turns: Turns,
    makeLife: (cell: Cell, incarnation: number) => Incarnation,
    supervisor: Supervisor,
  ) {
    this.address = address
    this.#turns = turns
    this.#makeLife = makeLife
    this.#supervisor = supervisor
    this.#mailbox = new Mailbox(address.capacity)
  }

  get target(): Target {
    return this
  }

  accept(entry: BookEntry, payload: unknown): TellOutcome {
    return this.deliver(new LocalEnvelope(entry, payload))
  }

  deliver(envelope: Envelope): TellOutcome {
    if (this.#refusal !== undefined) {
      this.#refuse(envelope, this.#refusal.reason, this.#refusal.cause)
      return 'rejected'
    }
    if (!this.#mailbox.offer(envelope)) {
      this.#refuse(envelope, 'mailbox-full')
      return 'rejected'
    }
    this.#wake()
    return 'queued'
  }

  /** Runs `notice` as a turn of this incarnation; dropped when that has ended by then. */
  notify(life: Incarnation, notice: Notice): void {
    if (this.#life !== life) return
    this.#mailbox.notify(() => {
      if (this.#life === life) notice()
    })
    this.#wake()
  }

  watch(callback: (end: End) => void): () => void {
    if (this.#end !== undefined) {
      const end = this.#end
      let watching = true
      queueMicrotask(() => {
        if (watching) callback(end)
      })
      return () => {
        watching = false
      }
    }
    // A closure of its own, so that one callback may watch twice.
    const watcher = (end: End): void => callback(end)
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  async start(incarnation: number): Promise<void> {
    const life = this.#makeLife(this, incarnation)
    this.#life = life
    this.#refusal = undefined
    this.#busy = true
    try {
      await life.start()
    } catch (error) {
      if (this.#life === life) {
        this.#close('failed')
        await life.close({ graceful: false })
      }
      throw error
    }
    if (this.#life !== life) throw unavailable(this.address.path, 'killed')
    this.#busy = false
    this.#wake()
  }

  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return this.#closing
    life.abort(unavailable(this.address.path, 'stopped'))
    this.#refuseAll('stopped')
    const turn = deferred<void>()
    this.#stopTurn = turn
    this.notify(life, () => turn.resolve())
    // After the message in hand; a kill lets go of it too.
    await turn.promise
    if (this.#life !== life) return this.#closing
    this.#busy = true
    await life.close({ graceful: true })
    if (this.#life === life) this.#close('stopped')
  }

  async kill(again: boolean): Promise<void> {
    const life = this.#life
    const envelope = this.#inHand
    this.#close(again ? 'restarting' : 'killed')
    if (envelope !== undefined) this.#refuse(envelope, 'killed')
    await life?.drop(unavailable(this.address.path, 'killed'))
  }

  bury(end: End): void {
    this.#end = end
    this.#refuseAll(deadLetterReason(end), end.error)
    for (const watcher of this.#watchers) watcher(end)
    this.#watchers.clear()
  }

  takeTurns(budget: number): number {
    this.#enlisted = false
    let taken = 0
    while (taken < budget && !this.#busy && this.#life !== undefined) {
      const life = this.#life
      const notice = this.#mailbox.takeNotice()
      if (notice !== undefined) this.#runNotice(life, notice)
      else {
        const envelope = this.#mailbox.takeMessage()
        if (envelope === undefined) break
        this.#handle(life, envelope)
      }
      taken++
    }
    this.#wake()
    return taken
  }

  #wake(): void {
    if (this.#enlisted || this.#busy || this.#life === undefined || this.#mailbox.idle) return
    this.#enlisted = true
    this.#turns.enlist(this)
  }

  #runNotice(life: Incarnation, notice: Notice): void {
    try {
      notice()
    } catch (error) {
      this.#fail(life, faultOf(this.address.path, 'a watch callback', error))
    }
  }

  #handle(life: Incarnation, envelope: Envelope): void {
    if (envelope.cancelled) return this.#refuse(envelope, 'aborted')
    const handler = life.handler(envelope.kind, envelope.message)
    if (handler === undefined) return this.#refuse(envelope, 'unknown-message')
    let result: unknown
    try {
      result = handler(envelope.payload)
    } catch (error) {
      return this.#threw(life, envelope, error)
    }
    // Awaiting what is no promise would cost a microtask per message.
    if (!isThenable(result)) return envelope.handled(result)
    this.#busy = true
    this.#inHand = envelope
    result.then(
      (value) => this.#settle(envelope, () => envelope.handled(value)),
      (error: unknown) => this.#settle(envelope, () => this.#threw(life, envelope, error)),
    )
  }

  /** Nothing happens when a kill has settled it meanwhile. */
  #settle(envelope: Envelope, outcome: () => void): void {
    if (this.#inHand !== envelope) return
    this.#inHand = undefined
    this.#busy = false
    outcome()
    this.#wake()
  }

  /**
   * A KaitianError thrown by an ask's handler is an answer: only the asker hears it. Anything
   * else is a fault of the actor, and so is what a tell's handler throws, since nobody else
   * would hear of it.
   */
  #threw(life: Incarnation, envelope: Envelope, error: unknown): void {
    if (envelope.kind === 'ask' && error instanceof KaitianError) return envelope.refused(error)
    const fault = faultOf(this.address.path, envelope.message, error)
    envelope.refused(fault)
    this.#fail(life, fault)
  }

  #fail(life: Incarnation, error: KaitianError): void {
    const end: End = { reason: 'failed', error }
    const again = this.#supervisor.failing(end)
    life.abort(error)
    this.#close(again ? 'restarting' : 'failed', error)
    this.#closing = this.#bringToEnd(life, end)
  }

  async #bringToEnd(life: Incarnation, end: End): Promise<void> {
    await life.close({ graceful: false })
    this.#closing = undefined
    this.#supervisor.ended(end)
  }

  /** Ends the incarnation; nothing of its code runs as a turn from here on. */
  #close(reason: DeadLetterReason, cause?: KaitianError): void {
    this.#life = undefined
    this.#inHand = undefined
    this.#busy = false
    this.#refuseAll(reason, cause)
    while (this.#mailbox.takeNotice() !== undefined);
    this.#stopTurn?.resolve()
  }

  #refuseAll(reason: DeadLetterReason, cause?: KaitianError): void {
    this.#refusal = { reason, cause }
    for (;;) {
      const envelope = this.#mailbox.takeMessage()
      if (envelope === undefined) return
      this.#refuse(envelope, reason, cause)
    }
  }

  #refuse(envelope: Envelope, reason: DeadLetterReason, cause?: KaitianError): void {
    envelope.dead(reason, unavailable(this.address.path, reason, cause))
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as PromiseLike<unknown>).then === 'function'
  )
}
