import type { MessagePort } from 'node:worker_threads'
import { KaitianError } from '@kaitian/errors'
import type { BookEntry } from '../actor/book.js'
import type { DeadLetterReason } from '../api/events.js'
import {
  endFromRecord,
  endToRecord,
  errorFromRecord,
  unavailable,
  type End,
} from '../supervision/failure.js'
import { Outbox } from './outbox.js'
import { pack, unpack } from './parcel.js'
import { PeerState } from './peer-state.js'
import type { TellOutcome } from '../api/ref.js'
import { RemoteEnvelope, RemoteTarget } from './remote.js'
import type { Site } from './site.js'
import {
  firstActorId,
  type Address,
  type Body,
  type Frame,
  type GoneNotice,
  type SiteId,
  type TreeFrame,
} from './wire.js'

/**
 * This thread's side of the direct connection to one other thread: frames out in order (A2),
 * and for each message sent, its entry until the outcome is known. A port's `close` comes after
 * all that the dead thread had posted, so an answer that was sent is not lost (A3).
 */
export class Link {
  readonly peer: SiteId
  readonly #site: Site
  readonly #outbox: Outbox
  readonly #state = new PeerState()
  #port: MessagePort | undefined
  /** More than one when both sides asked to be introduced; we send on `#port` alone. */
  readonly #ports = new Set<MessagePort>()
  #lastId = 0
  #epoch = 0
  readonly #sent = new Map<number, { entry: BookEntry; target: RemoteTarget }>()
  readonly #asked = new Map<number, RemoteEnvelope>()
  readonly #targets = new Map<number, RemoteTarget>()

  constructor(site: Site, peer: SiteId) {
    this.#site = site
    this.peer = peer
    this.#outbox = new Outbox((frame, cause) => this.#uncloneable(frame, cause))
  }

  get connected(): boolean {
    return this.#port !== undefined
  }

  /** The peer's actor at this address; the same object each time. */
  target(address: Address): RemoteTarget {
    let target = this.#targets.get(address.id)
    if (target === undefined) {
      target = new RemoteTarget(this, address)
      this.#targets.set(address.id, target)
    }
    return target
  }

  /** Takes a port to the peer. A link that waits for it opens; a restarting one needs `reopen`. */
  attach(port: MessagePort): void {
    this.#ports.add(port)
    port.on('message', (frames: Frame[]) => {
      for (const frame of frames) this.#receive(frame)
    })
    port.on('close', () => this.#closed(port))
    if (this.#port !== undefined) return
    this.#port = port
    this.#state.connected()
    this.#outbox.attach(port)
  }

  /** The restarted peer takes messages again; false when it must be connected to first. */
  reopen(): boolean {
    if (this.#state.phase !== 'gone') this.#state.restarted(this.connected)
    return this.#state.phase !== 'connecting'
  }

  post(frame: Frame): void {
    this.#outbox.push(frame)
  }

  send(target: RemoteTarget, entry: BookEntry, payload: unknown): TellOutcome {
    const { id: to, capacity } = target.address
    const full = target.inFlight >= capacity ? 'mailbox-full' : undefined
    const reason = this.#state.refusal ?? full
    if (reason !== undefined) return this.#bounce(target, entry, reason, this.#state.end?.error)
    let body: Body
    try {
      body = pack(payload, this.#site)
    } catch (cause) {
      return this.#bounce(target, entry, 'not-cloneable', cause as Error)
    }
    const id = ++this.#lastId
    this.#sent.set(id, { entry, target })
    target.inFlight++
    if (entry.pending !== undefined) {
      entry.pending.onGiveUp = () => this.#outbox.push({ t: 'cancel', id })
    }
    this.#outbox.push({ t: entry.kind, id, to, name: entry.message, body })
    return 'queued'
  }

  startWatch(target: RemoteTarget): void {
    const { id } = target.address
    if (this.#state.phase === 'gone') {
      const end = this.#state.endOf(id)
      queueMicrotask(() => target.down(end))
    } else if (id !== firstActorId) {
      // The actor that a thread was started for is watched by way of its thread.
      this.#targets.set(id, target)
      this.#outbox.push({ t: 'watch', to: id })
    }
  }

  /** For {@link RemoteEnvelope}. */
  answer(envelope: RemoteEnvelope, frame: Frame): void {
    this.#asked.delete(envelope.id)
    if (envelope.epoch === this.#epoch) this.#outbox.push(frame)
  }

  /** For {@link RemoteEnvelope}. */
  answerHandled(envelope: RemoteEnvelope, value: unknown): void {
    const { id } = envelope
    if (envelope.kind === 'tell') {
      if (envelope.epoch === this.#epoch) this.#outbox.pushHandled(id)
      return
    }
    try {
      this.answer(envelope, { t: 'reply', id, body: pack(value, this.#site) })
    } catch (cause) {
      this.answer(envelope, { t: 'refused', id, error: notCloneable(envelope.message, cause) })
    }
  }

  /** The peer's thread, or one above it, is gone or will be back. */
  retire(notice: GoneNotice): void {
    if (this.#state.phase === 'gone') return
    this.#state.ended(notice)
    if (notice.abrupt) for (const port of this.#ports) this.#closed(port)
    if (this.#port === undefined) {
      this.#outbox.detach()
      this.#settleAll()
    }
    for (const [id, target] of this.#targets) {
      if (id === firstActorId && notice.restarting) continue
      target.down(this.#state.endOf(id))
      // Its id will not be used again; the refs to it keep the target itself.
      if (notice.restarting) this.#targets.delete(id)
    }
  }

  /** This thread ends in good order: what has no outcome yet will have none. */
  settleBeforeClose(): void {
    for (const { entry } of this.#sent.values()) {
      entry.dead('stopped', unavailable(this.peer, 'stopped'))
    }
    this.#sent.clear()
  }

  close(): void {
    this.#outbox.flush()
    this.#state.phase = 'gone'
    for (const port of this.#ports) this.#closed(port)
  }

  #receive(frame: Frame): void {
    switch (frame.t) {
      case 'ask':
      case 'tell':
        return this.#deliver(frame)
      case 'cancel': {
        const envelope = this.#asked.get(frame.id)
        if (envelope !== undefined) envelope.cancelled = true
        return
      }
      case 'reply':
        return this.#take(frame.id)?.handled(unpack(frame.body, this.#site.open))
      case 'refused':
        return this.#take(frame.id)?.refused(errorFromRecord(frame.error))
      case 'handled':
        for (const id of frame.ids) this.#take(id)?.handled(undefined)
        return
      case 'dead':
        return this.#dead(frame)
      case 'watch':
        return this.#watch(frame.to)
      case 'down':
        return this.#targets.get(frame.to)?.down(endFromRecord(frame.end))
      default:
        return this.#site.tree.receive(frame satisfies TreeFrame, this)
    }
  }

  #deliver(frame: Frame & { t: 'ask' | 'tell' }): void {
    const payload = unpack(frame.body, this.#site.open)
    const envelope = new RemoteEnvelope(this, this.#epoch, frame, payload)
    if (frame.t === 'ask') this.#asked.set(frame.id, envelope)
    const cell = this.#site.nursery.cell(frame.to)
    if (cell !== undefined) cell.deliver(envelope)
    else this.answer(envelope, { t: 'dead', id: frame.id, reason: 'stopped' })
  }

  #dead(frame: Frame & { t: 'dead' }): void {
    const target = this.#sent.get(frame.id)?.target
    if (target === undefined) return
    const error =
      frame.error === undefined
        ? unavailable(target.address.path, frame.reason)
        : errorFromRecord(frame.error)
    this.#take(frame.id)?.dead(frame.reason, error)
  }

  #watch(to: number): void {
    const epoch = this.#epoch
    const tellPeer = (end: End): void => {
      if (epoch === this.#epoch) this.#outbox.push({ t: 'down', to, end: endToRecord(end) })
    }
    const cell = this.#site.nursery.cell(to)
    if (cell === undefined) tellPeer({ reason: 'stopped' })
    else cell.watch(tellPeer)
  }

  #take(id: number): BookEntry | undefined {
    const sent = this.#sent.get(id)
    if (sent === undefined) return undefined
    this.#sent.delete(id)
    sent.target.inFlight--
    return sent.entry
  }

  #closed(port: MessagePort): void {
    if (!this.#ports.delete(port)) return
    port.close()
    if (port !== this.#port) return
    this.#port = undefined
    this.#epoch++
    this.#asked.clear()
    this.#outbox.detach()
    this.#state.disconnected()
    this.#settleAll()
  }

  #settleAll(): void {
    const { lost, end } = this.#state
    for (const [id, { target }] of this.#sent) {
      const entry = this.#take(id)
      if (entry !== undefined) this.#bounce(target, entry, lost, end?.error)
    }
  }

  #bounce(
    target: RemoteTarget,
    entry: BookEntry,
    reason: DeadLetterReason,
    cause?: Error,
  ): TellOutcome {
    entry.dead(reason, unavailable(target.address.path, reason, cause))
    return 'rejected'
  }

  #uncloneable(frame: Frame, cause: unknown): void {
    if (frame.t === 'ask' || frame.t === 'tell') {
      const target = this.#sent.get(frame.id)?.target
      const entry = this.#take(frame.id)
      if (target !== undefined && entry !== undefined) {
        this.#bounce(target, entry, 'not-cloneable', cause as Error)
      }
    } else if (frame.t === 'reply') {
      this.#outbox.push({ t: 'refused', id: frame.id, error: notCloneable('the reply', cause) })
    }
  }
}

function notCloneable(what: string, cause: unknown) {
  return new KaitianError(
    'MESSAGE_NOT_CLONEABLE',
    `The answer to ${what} cannot cross threads; reply with plain data, typed arrays, shared buffers and refs`,
    { cause },
  ).toRecord()
}
