import type { Book } from '../actor/book.js'
import { FlowConsumer } from '../actor/flow-consumer.js'
import type { DeadLetterReason } from '../api/events.js'
import type { TellOutcome, Trace } from '../api/ref.js'
import type { End } from '../supervision/failure.js'
import type { Port } from '../transport/port.js'
import { Answers } from './answers.js'
import { Asks } from './asks.js'
import { giveBack } from './give-back.js'
import { Outbox } from './outbox.js'
import { holdsRef, packValue, transferOf } from './parcel.js'
import { PeerState } from './peer-state.js'
import { Ports } from './ports.js'
import { Reader } from './reader.js'
import type { Asker, RemoteTarget } from './remote.js'
import type { Site } from './site.js'
import { Targets } from './targets.js'
import {
  firstActorId,
  Op,
  withRefs,
  withTrace,
  type GoneNotice,
  type SiteId,
  type TreeFrame,
} from './wire.js'

const newsWithinMs = 1000

/**
 * This thread's side of the direct connection to one other site: frames out in order (A2). A port's
 * `close` comes after all that the dead peer had posted, so an answer that was sent is not lost (A3).
 */
export class Link {
  readonly peer: SiteId
  readonly site: Site
  readonly answers: Answers
  readonly asks = new Asks()
  readonly targets: Targets
  readonly #outbox: Outbox
  readonly #reader: Reader
  readonly #state: PeerState
  readonly #ports: Ports

  constructor(site: Site, peer: SiteId) {
    this.site = site
    this.peer = peer
    this.targets = new Targets(this)
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
    for (const target of this.targets.all()) target.roomAgain()
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
    this.targets.keep(target)
    target.departed(index, asker === undefined)
    if (asker === undefined) out.push(Op.tell + flags, to, index, value)
    else {
      const id = this.asks.note(asker, target, index)
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
      this.targets.keep(target)
      this.#outbox.open().push(Op.watch, id)
    }
  }

  /** The peer's site, or one above it, is gone or will be back. */
  retire(notice: GoneNotice): void {
    if (this.gone) return
    this.#state.ended(notice)
    if (notice.abrupt) this.#ports.closeAll()
    if (this.#ports.ended) this.#ended()
    // Whether it ends, or is quarantined, its watchers hear when that is known.
    if (notice.next === 'exit') return
    for (const target of this.targets.all()) {
      const { id } = target.address
      if (id === firstActorId && notice.next === 'restart') continue
      target.down(this.#state.endOf(id))
    }
    if (notice.next === 'restart') {
      this.#ports.outdate()
      this.targets.outdate()
    }
    if (this.#ports.ended) this.targets.expire()
  }

  /** This site ends in good order: what has no outcome yet will have none. */
  settleBeforeClose(): void {
    this.asks.lose('stopped', undefined)
    for (const target of this.targets.all()) target.lose('stopped', undefined)
  }

  close(): void {
    this.#outbox.flush()
    this.#state.phase = 'gone'
    this.#ports.closeAll()
  }

  /** What was watched while nothing could be said; of a past incarnation's it hears that they ended. */
  #watchAgain(): void {
    for (const { watched, address } of this.targets.all()) {
      const { id } = address
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
    this.asks.lose(lost, cause)
    for (const target of this.targets.all()) target.lose(lost, cause)
    this.targets.expire()
  }
}
