import type { Book } from '../actor/book.js'
import { FlowConsumer } from '../actor/flow-consumer.js'
import type { DeadLetterReason } from '../api/events.js'
import type { TellOutcome, Trace } from '../api/ref.js'
import type { End } from '../supervision/failure.js'
import type { Port } from '../transport/port.js'
import type { Timer } from '../wheel.js'
import { Connection } from './connection.js'
import { holdsRef, packValue, transferOf } from './parcel.js'
import { PeerState } from './peer-state.js'
import { RoomQuery, type Asker, type RemoteTarget } from './remote.js'
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
 * What this thread knows of one other site, through all its incarnations, and the connection to the
 * present one: frames out in order (A2). A port's `close` comes after all that the dead peer had
 * posted, so an answer that was sent is not lost (A3).
 */
export class Link {
  readonly peer: SiteId
  readonly site: Site
  readonly targets: Targets
  readonly #state: PeerState
  /** With the present incarnation, once something was said. */
  #present: Connection | undefined
  /** With the last one, which has ended: its ports may deliver what it had said until the next one's comes. */
  #past: Connection | undefined
  #mending: Timer | undefined

  constructor(site: Site, peer: SiteId) {
    this.site = site
    this.peer = peer
    this.targets = new Targets(this)
    this.#state = new PeerState(peer)
  }

  get book(): Book {
    return this.site.book
  }

  get gone(): boolean {
    return this.#state.phase === 'gone'
  }

  /** It is gone, and nothing of it is on its way any more. */
  get over(): boolean {
    return this.gone && this.#present === undefined && this.#past === undefined
  }

  /** Why a message cannot be sent just now, if it cannot. */
  get refusal(): DeadLetterReason | undefined {
    return this.#state.refusal
  }

  get end(): End | undefined {
    return this.#state.end
  }

  /** Who here waits for an answer from there. */
  get askers(): Asker[] {
    const both = [this.#past, this.#present]
    return both.flatMap((connection) => connection?.asks.askers ?? [])
  }

  /** Takes a port to the peer. A link that waits for it opens; a restarting one needs `reopen`. */
  attach(port: Port): void {
    if (this.gone) return port.close()
    this.#mending?.cancel()
    this.#past?.end()
    const connection = this.#connection
    const isFirst = !connection.connected
    const wasBroken = this.#state.phase === 'broken'
    this.#state.connected()
    connection.add(port)
    if (!isFirst || !wasBroken) return
    this.#watchAgain()
    for (const target of this.targets.allAwaited()) target.roomAgain()
  }

  /**
   * A port that takes a while to be had. When the peer has ended by then it is one to its past.
   *
   * @param cancel nobody waits for it any more
   */
  expect(port: Promise<Port>, cancel: () => void): void {
    const connection = this.#connection
    const forget = connection.atEnd(cancel)
    const attach = (one: Port): void => {
      forget()
      if (connection === this.#present) this.attach(one)
      else one.close()
    }
    port.then(attach, (error: Error) => {
      forget()
      if (connection === this.#present) this.unreachable(error)
    })
  }

  /** No port can be had; another is asked for later. */
  unreachable(cause: Error): void {
    if (this.#state.phase !== 'connecting') return
    this.#state.phase = 'broken'
    this.#present?.end(cause)
    this.#mendLater()
  }

  /** The restarted peer takes messages again; false when it must be connected to first. */
  reopen(): boolean {
    this.#past?.end()
    if (!this.gone) this.#state.restarted(this.#present?.connected ?? false)
    for (const target of this.targets.allAwaited()) target.roomAgain()
    this.#watchAgain()
    return this.#state.phase !== 'connecting'
  }

  /** False when it does not go, and is forgotten: else the next incarnation would get what the last one was told. */
  post(frame: TreeFrame): boolean {
    if (this.#present?.connected !== true && this.#state.phase !== 'connecting') return false
    const way = frame.t === 'introduced' ? frame.way : undefined
    const items = way !== undefined && 'port' in way ? [way.port as never] : undefined
    this.#connection.outbox.open(items).push(Op.tree, frame)
    return true
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
    const { outbox, asks } = this.#connection
    const out = outbox.open(transferOf(payload))
    const to = target.address.id
    target.departed(index, asker === undefined)
    if (asker === undefined) out.push(Op.tell + flags, to, index, value)
    else {
      const id = asks.note(asker, target, index)
      asker.onCancel = () => outbox.open().push(Op.cancel, id)
      if (asker instanceof FlowConsumer) {
        asker.onConsumed = (count) => outbox.open().push(Op.credit, id, count)
        out.push(Op.flow + flags, id, to, index, value, asker.credit)
      } else out.push(Op.ask + flags, id, to, index, value)
    }
    if (trace !== undefined) out.push(trace)
    return 'queued'
  }

  /** Resolves when the actor says that it has room: true; false when what it says will not come. */
  askForRoom(target: RemoteTarget): Promise<boolean> {
    const { outbox, asks } = this.#connection
    const query = new RoomQuery(target.path)
    outbox.open().push(Op.room, asks.noteQuery(query, target), target.address.id)
    return query.promise
  }

  startWatch(target: RemoteTarget): void {
    const { id } = target.address
    if (this.gone) {
      const end = this.#state.endOf(id)
      this.site.scheduler.soon(() => target.down(end))
    } else this.#say(Op.watch, id)
  }

  endWatch(target: RemoteTarget): void {
    this.#say(Op.unwatch, target.address.id)
  }

  /** The peer's site, or one above it, is gone or will be back. */
  retire(notice: GoneNotice): void {
    if (this.gone) return
    this.#mending?.cancel()
    this.#state.ended(notice)
    if (notice.abrupt) this.#past?.end()
    if (notice.abrupt || this.#present?.silent === true) this.#present?.end()
    // Whether it ends, or is quarantined, its watchers hear when that is known.
    if (notice.next !== 'exit') {
      for (const target of this.targets.allAwaited()) {
        const { id } = target.address
        if (id === firstActorId && notice.next === 'restart') continue
        target.down(this.#state.endOf(id))
      }
    }
    if (notice.next === 'restart' && this.#present !== undefined) {
      this.#past?.end()
      this.#past = this.#present
      this.#present = undefined
    }
    this.site.forget(this)
  }

  /** This site ends in good order: what has no outcome yet will have none. */
  settleBeforeClose(): void {
    this.#past?.asks.lose('stopped', undefined)
    this.#present?.asks.lose('stopped', undefined)
    for (const target of this.targets.allAwaited()) target.lose('stopped', undefined)
  }

  close(): void {
    this.#present?.outbox.flush()
    this.#state.phase = 'gone'
    this.#past?.end()
    this.#present?.end()
  }

  get #connection(): Connection {
    this.#present ??= new Connection(this, {
      broken: (connection) => this.#broken(connection),
      ended: (connection, cause) => this.#ended(connection, cause),
    })
    return this.#present
  }

  /**
   * Now, or when there is a port, or by `#watchAgain`. The actor that a thread was started for is
   * watched by way of its thread.
   */
  #say(op: typeof Op.watch | typeof Op.unwatch, id: number): void {
    if (id !== firstActorId && this.refusal === undefined) {
      this.#connection.outbox.open().push(op, id)
    }
  }

  /** What was watched while nothing could be said; of a past incarnation's it hears that they ended. */
  #watchAgain(): void {
    for (const { watched, address } of this.targets.allAwaited()) {
      if (watched) this.#say(Op.watch, address.id)
    }
  }

  #broken(connection: Connection): void {
    if (connection !== this.#present) return
    this.#state.disconnected()
    this.#mendLater()
  }

  /**
   * The news of a peer's end comes by another way than the end of its port, and either may be first.
   * Without news by now the peer lives, and only the port does not.
   */
  #mendLater(): void {
    if (this.#state.phase !== 'broken' || this.site.tree.isNeighbour(this.peer)) return
    this.#mending?.cancel()
    this.#mending = this.site.wheel.after(newsWithinMs, () => {
      this.#present?.end()
      this.site.tree.connect(this.peer)
    })
  }

  #ended(connection: Connection, cause = this.#state.end?.error as Error | undefined): void {
    if (connection === this.#present) this.#present = undefined
    else this.#past = undefined
    const { lost } = this.#state
    connection.asks.lose(lost, cause)
    for (const target of this.targets.allAwaited()) target.lose(lost, cause)
    this.site.forget(this)
  }
}
