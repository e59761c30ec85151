import { deferred, type Deferred } from '../deferred.js'
import { Fifo } from './fifo.js'

/** Run as a turn. */
export type Notice = () => void

/** Deaths come before timers that are due. */
export type NoticeLane = 'deaths' | 'timers'

/**
 * What an actor has to do beside its messages, in lanes that a full mailbox does not hold up (A6):
 * the order to stop, deaths, timers. Most actors of a large system never have any.
 */
export class Lanes {
  readonly #deaths = new Fifo<Notice>()
  readonly #timers = new Fifo<Notice>()
  #stop: Deferred<void> | undefined
  #draining = false

  /**
   * Something here can have its turn.
   *
   * @param answers that are still to be given; a stop waits for them
   */
  isReady(answers: number): boolean {
    if (this.#deaths.size + this.#timers.size > 0) return true
    return this.#stop !== undefined && answers === 0
  }

  notify(lane: NoticeLane, notice: Notice): void {
    if (lane === 'deaths') this.#deaths.push(notice)
    else this.#timers.push(notice)
  }

  /** @returns when the turn of the stop has come; nothing else must run from then on */
  orderStop(drain: boolean): Promise<void> {
    this.#stop = deferred<void>()
    this.#draining = drain
    return this.#stop.promise
  }

  /**
   * Begins the stop when it is its turn: before all that waits, or after the messages to drain, and
   * not before the answers are given that were deferred.
   */
  takeStop(messages: number, answers: number): boolean {
    if (this.#stop === undefined || answers > 0) return false
    if (this.#draining && messages > 0) return false
    this.#stop.resolve()
    this.#stop = undefined
    return true
  }

  takeNotice(): Notice | undefined {
    return this.#deaths.shift() ?? this.#timers.shift()
  }

  /** The incarnation has ended: who waits for the turn of its stop need not any more. */
  clear(): void {
    this.#deaths.clear()
    this.#timers.clear()
    this.#stop?.resolve()
    this.#stop = undefined
  }
}
