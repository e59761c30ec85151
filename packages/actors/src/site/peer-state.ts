import type { DeadLetterReason } from '../api/events.js'
import { endFromRecord, type End } from '../supervision/failure.js'
import { firstActorId, isProcess, type GoneNotice, type SiteId } from './wire.js'

/**
 * `connecting`: what is sent waits for a port. `broken`: the port closed, and why is not known
 * yet. `restarting`: the thread will be back. `dying`: it will not, but still runs, maybe for ever.
 * `gone`: it will not.
 */
type Phase = 'connecting' | 'open' | 'broken' | 'restarting' | 'dying' | 'gone'

const phaseAfter = { nothing: 'gone', restart: 'restarting', exit: 'dying' } as const

/** What one thread knows of another, and what follows for the messages to it. */
export class PeerState {
  phase: Phase = 'connecting'
  readonly #dead: DeadLetterReason
  /** How its last incarnation ended, while no other has taken its place. */
  end: End | undefined

  constructor(peer: SiteId) {
    this.#dead = isProcess(peer) ? 'process-exited' : 'thread-exited'
  }

  /** It has a port; a restarting peer takes messages only when it says so. */
  connected(): void {
    if (this.phase === 'connecting' || this.phase === 'broken') this.phase = 'open'
  }

  disconnected(): void {
    if (this.phase === 'open') this.phase = 'broken'
  }

  ended(notice: GoneNotice): void {
    this.end = endFromRecord(notice.end)
    this.phase = phaseAfter[notice.next]
  }

  restarted(hasPort: boolean): void {
    this.end = undefined
    this.phase = hasPort ? 'open' : 'connecting'
  }

  /** Why a message cannot be sent just now, if it cannot. */
  get refusal(): DeadLetterReason | undefined {
    switch (this.phase) {
      case 'connecting':
      case 'open':
        return undefined
      case 'broken':
        return this.#dead
      case 'restarting':
        return 'restarting'
      case 'dying':
      case 'gone':
        return this.#reasonOfEnd
    }
  }

  /** What became of a message that was on its way when the peer ended. */
  get lost(): DeadLetterReason {
    const restarted = this.end?.reason === 'failed' || this.end?.reason === 'stopped'
    if (this.phase === 'restarting' && restarted) return 'restarting'
    return this.#reasonOfEnd
  }

  /** How the actor `id` of this thread ended: the first one as the thread, the others with it. */
  endOf(id: number): End {
    const end = this.end ?? { reason: 'stopped' }
    if (id === firstActorId || end.reason === 'killed' || end.reason === 'quarantined') return end
    return { ...end, reason: 'exited' }
  }

  get #reasonOfEnd(): DeadLetterReason {
    const reason = this.end?.reason ?? 'exited'
    // A killed thread is a dead thread to whoever had sent to it.
    return reason === 'killed' || reason === 'exited' ? this.#dead : reason
  }
}
