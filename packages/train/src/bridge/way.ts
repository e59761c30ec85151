import type { Socket } from 'node:net'
import type { Clock, Random } from '@kaitian/actors'
import type { Trunk, TrunkLoss } from '@kaitian/comm-native'
import { KaitianError } from '@kaitian/errors'
import { Backoff } from './backoff.js'
import type { ProvedPeer } from './handshake.js'
import type { Address } from './network.js'
import { slow } from './slow.js'

export interface WayOptions {
  readonly group: string
  readonly trunk: Trunk
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly deadlineMs: number
  readonly random: Pick<Random, 'next'>
  /**
   * None where the other group dials. Ends with `attach` or `dialFailed`, unless what it returns
   * was called.
   */
  readonly dial: ((to: Address) => () => void) | undefined
  readonly onAttached: (group: string, generation: number) => void
  readonly onLost: (group: string, loss: TrunkLoss) => void
}

interface Waiter {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: KaitianError) => void
  readonly cancel: () => void
}

/**
 * The trunk to one other group, and who waits for it and mends it. A connection that was cut is
 * dialled again by whoever dialled it. One over which came what no peer of this run sends is not:
 * whatever did that would do it again.
 */
export class Way {
  readonly trunk: Trunk
  readonly #options: WayOptions
  readonly #backoff: Backoff
  /** Attached connections whose loss was not reported yet. */
  readonly #ends = new Set<Promise<void>>()
  #address: Address | undefined
  #giveUpDial: (() => void) | undefined
  #redials = false
  #stopRedial: (() => void) | undefined
  #waiter: Waiter | undefined
  #refusal: KaitianError | undefined
  #barred: string | undefined
  #attachments = 0
  #attachedAt = 0
  #disposed = false

  constructor(options: WayOptions) {
    this.#options = options
    this.trunk = options.trunk
    this.#backoff = new Backoff(options.random)
  }

  /** Why the group is not let in, in words that follow its name. */
  get barred(): string | undefined {
    return this.#barred
  }

  /** Resolves when the trunk is attached. @throws AUTH_FAILED, LINK_LOST, DEADLINE_EXCEEDED */
  async reach(address: Address): Promise<void> {
    const moved = address.host !== this.#address?.host || address.port !== this.#address.port
    this.#address = address
    this.#barred = undefined
    if (this.trunk.attached) return
    this.#waiter ??= this.#wait()
    if (moved) this.#abandonDial()
    this.#dialNow()
    await this.#waiter.promise
  }

  /** A connection whose handshake is through; it replaces the one before. */
  attach(peer: ProvedPeer, socket: Socket, early: Uint8Array): void {
    const { group, clock, onAttached } = this.#options
    // A peer that connects again has lost the old connection, even if that was not noticed here.
    const number = ++this.#attachments
    this.#giveUpDial = undefined
    this.#redials = false
    this.#attachedAt = clock.now()
    const lost = this.trunk.attach(socket, early, peer.received)
    const end = lost.then((loss) => this.#lost(number, loss))
    this.#ends.add(end)
    void end.finally(() => this.#ends.delete(end))
    // Refused by the trunk, or lost already; `#lost` hears why.
    if (!this.trunk.attached) return
    this.#refusal = undefined
    this.#give()
    onAttached(group, peer.generation)
  }

  dialFailed(error: KaitianError): void {
    this.#giveUpDial = undefined
    this.#redialLater()
    this.#give(error)
  }

  /** Somebody who claimed to be this group was turned away, which says why the real one is late. */
  claimRefused(error: KaitianError): void {
    this.#refusal = error
  }

  async dispose(): Promise<void> {
    this.#disposed = true
    this.#redials = false
    this.#stopRedial?.()
    this.#abandonDial()
    this.#give(new KaitianError('CANCELLED', 'The peering was closed while it connected.'))
    this.trunk.close()
    await Promise.all(this.#ends)
  }

  #lost(number: number, loss: TrunkLoss): void {
    if (number !== this.#attachments || this.#disposed) return
    const { group, clock, onLost } = this.#options
    this.#backoff.held(clock.now() - this.#attachedAt)
    if (loss.reason === 'closed' || loss.reason === 'silent') {
      this.#redials = true
      this.#redialLater()
    } else {
      this.#barred = `is kept out since what it sent was ${loss.reason} (${loss.detail}). Run the same release and options on both ends, and connect again.`
      this.#give(
        new KaitianError('LINK_LOST', `Group "${group}" ${this.#barred}`, {
          fields: { group, ...loss },
        }),
      )
    }
    onLost(group, loss)
  }

  #wait(): Waiter {
    const { clock, deadlineMs } = this.#options
    let resolve!: () => void
    let reject!: (error: KaitianError) => void
    const promise = new Promise<void>((ok, fail) => {
      resolve = ok
      reject = fail
    })
    const cancel = clock.after(deadlineMs, () => this.#give(this.#absent()))
    return { promise, resolve, reject, cancel }
  }

  /** Ends the wait for the group. */
  #give(error?: KaitianError): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.cancel()
    if (error === undefined) waiter?.resolve()
    else waiter?.reject(error)
  }

  #absent(): KaitianError {
    const { group, deadlineMs } = this.#options
    return this.#refusal?.code === 'AUTH_FAILED' ? this.#refusal : slow(group, deadlineMs)
  }

  #dialNow(): void {
    this.#stopRedial?.()
    this.#stopRedial = undefined
    if (this.#giveUpDial !== undefined || this.#address === undefined) return
    this.#giveUpDial = this.#options.dial?.(this.#address)
  }

  #abandonDial(): void {
    this.#giveUpDial?.()
    this.#giveUpDial = undefined
  }

  #redialLater(): void {
    if (!this.#redials || this.#options.dial === undefined) return
    if (this.#giveUpDial !== undefined || this.#stopRedial !== undefined) return
    this.#stopRedial = this.#options.clock.after(this.#backoff.next(), () => this.#dialNow())
  }
}
