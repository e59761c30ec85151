import type { KaitianError } from '@kaitian/errors'
import type { DeadLetterReason } from '../api/events.js'

/**
 * Where a message came from, as the actor that handles it sees it: who is told what became of it.
 * Exactly one of `handled`, `refused`, `dead` and `deadWith` is called, once. A tell from the same thread has
 * no origin: nobody wants to know, and it would cost an object.
 */
export interface Origin {
  /** The asker gave up; there is no use in handling it. */
  readonly cancelled: boolean
  /** It has left the mailbox, where another may take its place; its outcome is still to come. */
  arrived(): void
  handled(value: unknown, index: number): void
  /** Handled, by throwing. */
  refused(error: KaitianError, index: number): void
  dead(reason: DeadLetterReason, index: number, path: string, cause?: Error): void
  /** Dead, with an error that says more than the reason. */
  deadWith(reason: DeadLetterReason, error: KaitianError, index: number): void
  /** Called when the asker gives up while the message is in hand, or credit comes. */
  onCancel: (() => void) | undefined
}

/** The origin of a flow takes items, too. */
export interface FlowOrigin extends Origin {
  /** Items that may be sent now. */
  readonly credit: number
  onCredit: (() => void) | undefined
  /** Uses up one credit. */
  item(value: unknown): void
}
