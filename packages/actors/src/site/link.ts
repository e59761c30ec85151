import type { Book } from '../actor/book.js'
import { FlowConsumer } from '../actor/flow-consumer.js'
import type { DeadLetterReason } from '../api/events.js'
import type { TellOutcome, Trace } from '../api/ref.js'
import type { End } from '../supervision/failure.js'
import { WeakIndex } from '../weak-index.js'
import type { Port } from '../transport/port.js'
import { Answers } from './answers.js'
import { giveBack } from './give-back.js'
import { Outbox } from './outbox.js'
import { holdsRef, packValue, transferOf } from './parcel.js'
import { PeerState } from './peer-state.js'
import { Ports } from './ports.js'
import { Reader } from './reader.js'
import { RemoteTarget, type Asker } from './remote.js'
import type { Site } from './site.js'
import {
  firstActorId,
  Op,
  withRefs,
  withTrace,
  type Address,
  type GoneNotice,
  type SiteId,
  type TreeFrame,
} from './wire.js'

const newsWithinMs = 1000

interface Sent {
  asker: Asker
  target: RemoteTarget
  index: number
}

/**
 * This thread's side of the direct connection to one other site: frames out in order (A2), and for
 * each ask sent, its asker until the outcome is known. A port's `close` comes after all that the
 * dead peer had posted, so an answer that was sent is not lost (A3).
 */
export class Link {
  readonly peer: SiteId
  readonly site: Site
  readonly answers: Answers
  readonly #outbox: Outbox
  readonly #reader: Reader
  readonly #state: PeerState
  readonly #ports: Ports
  #lastId = 0
  readonly #sent = new Map<number, Sent>()
  readonly #targets = new Map<number, RemoteTarget>()
  /** Of incarnations that have ended. */
  readonly #past = new WeakIndex<RemoteTarget>()
  /** Its other actors ended with its last incarnation, but their outcomes may still come. */
  #expiring = false

  constructor(site: Site, peer: SiteId) {
    this.site = site
    this.peer = peer
    this.#state = new PeerState(peer)
    this.#outbox = new Outbox(
      site.scheduler,
      () => this.answers.writeAcknowledgements(),
      (frame, cause) => giveBack(this, frame, cause),
      (frame) => {
        // The other end would wait for ever.
        if (frame.t === 'introduced') site.discard(frame.way)
      },
    )
    this.answers = new Answers(site, this.#outbox)
    this.#reader = new Reader(this)
    this.#ports = new Ports({
      post: (post) => this.#reader.read(post),
      broken: () => this.#broken(),
      ended: () => this.#ended(),
    })
  }

  get book(): Book {
    return this.site.book
  }

  get connected(): boolean {
    return this.#ports.sending !== undefined
  }

  get gone(): boolean {
    return this.#state.phase === 'gone'
  }

  /** Why a message cannot be sent just now, if it cannot. */
  get refusal(): DeadLetterReason | undefined {
    return this.#state.refusal
  }

  get end(): End | undefined {
    return this.#state.end
  }

  endOf(id: number): End {
    return this.#state.endOf(id)
  }

  /** The asks that wait for an answer from there. */
  get pending(): Iterable<Asker> {
    return [...this.#sent.values()].map(({ asker }) => asker)
  }

  /** The peer's actor at this address; the same object each time. */
  target(address: Address): RemoteTarget {
    let target = this.#targets.get(address.id) ?? this.#past.get(address.id)
    if (target === undefined) {
      target = new RemoteTarget(this, address)
      this.#targets.set(address.id, target)
    }
    return target
  }

  /** Also one of a past incarnation: news for it will come by its number. */
  keep(target: RemoteTarget): void {
    const { id } = target.address
    if (!this.#targets.has(id)) this.#targets.set(id, target)
  }

  knownTarget(id: number): RemoteTarget | undefined {
    return this.#targets.get(id)
  }

  /** Takes a port to the peer. A link that waits for it opens; a restarting one needs `reopen`. */
  attach(port: Port): void {
    if (this.gone) return port.close()
    if (!this.#ports.add(port)) return
    const wasBroken = this.#state.phase === 'broken'
    this.#state.connected()
    this.#outbox.attach(port)
    if (wasBroken) this.#watchAgain()
  }

  /** No port can be had; another is asked for later. */
  unreachable(cause: Error): void {
    if (this.#state.phase !== 'connecting') return
    this.#state.phase = 'broken'
    this.#ended(cause)
    this.#mendLater()
  }

  /** The restarted peer takes messages again; false when it must be connected to first. */
  reopen(): boolean {
    this.#ports.closePast()
    if (!this.gone) this.#state.restarted(this.connected)
    for (const target of this.#targets.values()) target.roomAgain()
    this.#watchAgain()
    return this.#state.phase !== 'connecting'
  }

  post(frame: TreeFrame): void {
    const way = frame.t === 'introduced' ? frame.way : undefined
    // Else the next incarnation would get what the last one was told.
    if (!this.connected && this.#state.phase !== 'connecting') {
      if (way !== undefined) this.site.discard(way)
      return
    }
    const items = way !== undefined && 'port' in way ? [way.port as never] : undefined
    this.#outbox.open(items).push(Op.tree, frame)
  }

  transmit(
    target: RemoteTarget,
    index: number,
    payload: unknown,
    asker: Asker | undefined,
    trace: Trace | undefined,
  ): TellOutcome {
    let refs = false
    let value = payload
    try {
      refs = holdsRef(payload, 0, undefined)
      if (refs) value = packValue(payload, this.site, new Map())
    } catch (cause) {
      return target.bounce(index, asker, 'not-cloneable', cause as Error)
    }
    const flags = (refs ? withRefs : 0) + (trace === undefined ? 0 : withTrace)
    const out = this.#outbox.open(transferOf(payload))
    const to = target.address.id
    this.keep(target)
    target.departed(index, asker === undefined)
    if (asker === undefined) out.push(Op.tell + flags, to, index, value)
    else {
      const id = ++this.#lastId
      this.#sent.set(id, { asker, target, index })
      asker.onCancel = () => this.#outbox.open().push(Op.cancel, id)
      if (asker instanceof FlowConsumer) {
        asker.onConsumed = (count) => this.#outbox.open().push(Op.credit, id, count)
        out.push(Op.flow + flags, id, to, index, value, asker.credit)
      } else out.push(Op.ask + flags, id, to, index, value)
    }
    if (trace !== undefined) out.push(trace)
    return 'queued'
  }

  startWatch(target: RemoteTarget): void {
    const { id } = target.address
    if (this.gone) {
      const end = this.#state.endOf(id)
      this.site.scheduler.soon(() => target.down(end))
    } else if (id !== firstActorId) {
      // The actor that a thread was started for is watched by way of its thread.
      this.keep(target)
      this.#outbox.open().push(Op.watch, id)
    }
  }

  /** For {@link Reader}: the one that waits for it, if it still does. */
  sentBefore(id: number): Asker | undefined {
    return this.#sent.get(id)?.asker
  }

  /** For {@link Reader}: the outcome is known. */
  take(id: number): Asker | undefined {
    const sent = this.#sent.get(id)
    if (sent === undefined) return undefined
    this.#sent.delete(id)
    sent.target.arrived(1)
    return sent.asker
  }

  /** The peer's site, or one above it, is gone or will be back. */
  retire(notice: GoneNotice): void {
    if (this.gone) return
    this.#state.ended(notice)
    if (notice.abrupt) this.#ports.closeAll()
    if (this.#ports.ended) this.#ended()
    // Whether it ends, or is quarantined, its watchers hear when that is known.
    if (notice.next === 'exit') return
    for (const [id, target] of this.#targets) {
      if (id === firstActorId && notice.next === 'restart') continue
      target.down(this.#state.endOf(id))
    }
    if (notice.next === 'restart') {
      this.#ports.outdate()
      this.#expiring = true
    }
    if (this.#ports.ended) this.#expire()
  }

  /** This site ends in good order: what has no outcome yet will have none. */
  settleBeforeClose(): void {
    for (const { asker, target, index } of this.#sent.values()) {
      asker.dead('stopped', index, target.path)
    }
    this.#sent.clear()
    for (const target of this.#targets.values()) target.lose('stopped', undefined)
  }

  close(): void {
    this.#outbox.flush()
    this.#state.phase = 'gone'
    this.#ports.closeAll()
  }

  /** What was watched while nothing could be said; of a past incarnation's it hears that they ended. */
  #watchAgain(): void {
    for (const [id, { watched }] of this.#targets) {
      if (watched && id !== firstActorId) this.#outbox.open().push(Op.watch, id)
    }
  }

  #broken(): void {
    this.#outbox.detach()
    this.#state.disconnected()
    this.#mendLater()
  }

  /**
   * The news of a peer's end comes by another way than the end of its port, and either may be first.
   * Without news by now the peer lives, and only the port does not.
   */
  #mendLater(): void {
    if (this.#state.phase !== 'broken' || this.site.tree.isNeighbour(this.peer)) return
    this.site.wheel.after(newsWithinMs, () => {
      if (this.#state.phase !== 'broken') return
      this.#ports.closeAll()
      this.site.tree.connect(this.peer)
    })
  }

  /** Whatever the peer has answered is here; what it asked needs no answer. */
  #ended(cause?: Error): void {
    this.answers.nextEpoch()
    this.#reader.forget()
    this.#outbox.detach()
    this.#settleAll(cause)
  }

  #settleAll(cause = this.#state.end?.error as Error | undefined): void {
    const lost = this.#state.lost
    const sent = [...this.#sent.values()]
    this.#sent.clear()
    for (const { asker, target, index } of sent) asker.dead(lost, index, target.path, cause)
    for (const target of this.#targets.values()) target.lose(lost, cause)
    this.#expire()
  }

  /** The ids of a past incarnation will not be used again; the refs keep the targets themselves. */
  #expire(): void {
    if (!this.#expiring) return
    this.#expiring = false
    for (const [id, target] of this.#targets) {
      // One that is watched since then may be of the next incarnation.
      if (id === firstActorId || target.awaited) continue
      this.#targets.delete(id)
      this.#past.set(id, target)
    }
  }
}
