import type { DeadLetterReason } from '../api/events.js'
import { endFromRecord, type End } from '../supervision/failure.js'
import { firstActorId, type GoneNotice } from './wire.js'

/**
 * `connecting`: what is sent waits for a port. `broken`: the port closed, and why is not known
 * yet. `restarting`: the thread will be back. `gone`: it will not.
 */
type Phase = 'connecting' | 'open' | 'broken' | 'restarting' | 'gone'

/** What one thread knows of another, and what follows for the messages to it. */
export class PeerState {
  phase: Phase = 'connecting'
  /** How its last incarnation ended, while no other has taken its place. */
  end: End | undefined

  /** It has a port; a restarting peer takes messages only when it says so. */
  connected(): void {
    if (this.phase === 'connecting' || this.phase === 'broken') this.phase = 'open'
  }

  disconnected(): void {
    if (this.phase === 'open') this.phase = 'broken'
  }

  ended(notice: GoneNotice): void {
    this.end = endFromRecord(notice.end)
    this.phase = notice.restarting ? 'restarting' : 'gone'
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
        return 'thread-exited'
      case 'restarting':
        return 'restarting'
      case 'gone':
        return this.#reasonOfEnd
    }
  }

  /** What became of a message that was on its way when the peer ended. */
  get lost(): DeadLetterReason {
    if (this.phase === 'restarting' && this.end?.reason === 'failed') return 'restarting'
    return this.#reasonOfEnd
  }

  /** How the actor `id` of this thread ended: the first one as the thread, the others with it. */
  endOf(id: number): End {
    const end = this.end ?? { reason: 'stopped' }
    if (id === firstActorId || end.reason === 'killed') return end
    return { ...end, reason: 'exited' }
  }

  get #reasonOfEnd(): DeadLetterReason {
    const reason = this.end?.reason
    return reason === 'stopped' || reason === 'failed' ? reason : 'thread-exited'
  }
}
