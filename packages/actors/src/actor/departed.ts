import type { TellOutcome } from '../api/ref.js'
import type { Address } from '../site/wire.js'
import type { Site } from '../site/site.js'
import { unavailable, type End } from '../supervision/failure.js'
import type { FlowConsumer } from './flow-consumer.js'
import type { PendingAsk } from './pending-ask.js'
import { tableFrom, type MessageTable } from './table.js'
import type { Target } from './target.js'

/** An actor that ended before its ref arrived here. */
export class Departed implements Target {
  readonly address: Address
  readonly table: MessageTable
  readonly #site: Site

  constructor(site: Site, address: Address) {
    this.#site = site
    this.address = address
    this.table = tableFrom(address.messages)
  }

  get path(): string {
    return this.address.path
  }

  tell(index: number): TellOutcome {
    this.#site.book.sent++
    this.#site.book.dead(this.path, 'tell', this.table.names[index], 'stopped')
    return 'rejected'
  }

  ask(index: number, _payload: unknown, asker: PendingAsk | FlowConsumer): void {
    this.#site.book.sent++
    asker.dead('stopped', index, this.path)
  }

  room(): Promise<void> {
    return Promise.reject(unavailable(this.path, 'stopped'))
  }

  watch(callback: (end: End) => void): () => void {
    let watching = true
    this.#site.scheduler.soon(() => {
      if (watching) callback({ reason: 'stopped' })
    })
    return () => {
      watching = false
    }
  }
}
