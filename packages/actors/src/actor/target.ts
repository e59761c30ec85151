import type { TellOutcome, Trace } from '../api/ref.js'
import type { End } from '../supervision/failure.js'
import type { Address } from '../site/wire.js'
import type { FlowConsumer } from './flow-consumer.js'
import type { PendingAsk } from './pending-ask.js'
import type { MessageTable } from './table.js'

/** Where messages for one actor go in: the actor itself, or the link to its thread. */
export interface Target {
  readonly path: string
  readonly table: MessageTable
  readonly address: Address
  /** Takes the message or books it as dead; says which. */
  tell(index: number, payload: unknown, trace: Trace | undefined): TellOutcome
  /** `asker` hears what becomes of it. */
  ask(
    index: number,
    payload: unknown,
    asker: PendingAsk | FlowConsumer,
    trace: Trace | undefined,
  ): void
  /** See `Ref.room`. */
  room(): Promise<void>
  /** Calls back once, when the actor is gone for good. Returns unwatch. */
  watch(callback: (end: End) => void): () => void
}
