import type { DeadLetterReason } from '../api/events.js'
import type { TellOutcome } from '../api/ref.js'
import type { Address } from '../site/wire.js'
import type { Site } from '../site/site.js'
import { deadLetterReason, unavailable, type End } from '../supervision/failure.js'
import type { FlowConsumer } from './flow-consumer.js'
import type { PendingAsk } from './pending-ask.js'
import { tableFrom, type MessageTable } from './table.js'
import type { Target } from './target.js'

/** An actor that ended before its ref arrived here. */
export class Departed implements Target {
  readonly address: Address
  readonly table: MessageTable
  readonly #site: Site
  readonly #end: End

  constructor(site: Site, address: Address, end: End) {
    this.#site = site
    this.address = address
    this.#end = end
    this.table = tableFrom(address.messages)
  }

  get path(): string {
    return this.address.path
  }

  tell(index: number): TellOutcome {
    this.#site.book.sent++
    this.#site.book.dead(this.path, 'tell', this.table.names[index], this.#reason)
    return 'rejected'
  }

  ask(index: number, _payload: unknown, asker: PendingAsk | FlowConsumer): void {
    this.#site.book.sent++
    asker.dead(this.#reason, index, this.path, this.#end.error)
  }

  room(): Promise<void> {
    return Promise.reject(unavailable(this.path, this.#reason, this.#end.error))
  }

  watch(callback: (end: End) => void): () => void {
    let watching = true
    this.#site.scheduler.soon(() => {
      if (watching) callback(this.#end)
    })
    return () => {
      watching = false
    }
  }

  get #reason(): DeadLetterReason {
    return deadLetterReason(this.#end)
  }
}
