import { isKaitianError } from '@kaitian/errors'
import { faultOf } from '../supervision/failure.js'
import type { Cell } from './cell.js'
import { FlowProducer } from './flow-producer.js'
import type { Incarnation } from './incarnation.js'
import type { FlowOrigin } from './origin.js'

/**
 * A flow of one incarnation, open from the turn of its opening to its one outcome (A3): its body
 * ended or threw, or the incarnation did.
 */
export class OpenFlow {
  readonly #cell: Cell
  readonly #life: Incarnation
  readonly #index: number
  readonly #name: string
  readonly #sink: FlowOrigin
  readonly #producer: FlowProducer

  /** @param items what the handler of the message in hand returned */
  constructor(cell: Cell, life: Incarnation, items: AsyncIterable<unknown> | Iterable<unknown>) {
    const { site, table, mailbox } = cell
    this.#cell = cell
    this.#life = life
    this.#index = mailbox.index
    this.#name = table.names[mailbox.index]
    this.#sink = mailbox.origin as FlowOrigin
    const schema = table.replies[mailbox.index]
    const what = `an item of ${this.#name}`
    this.#producer = new FlowProducer(items, this.#sink, schema, what, site.scheduler)
  }

  /** In the turn of the opening: its body up to the first `await` or item. */
  begin(): void {
    this.#cell.act(() => this.#producer.begin())
  }

  /** Its opening is not handled, or not now: the body ends, and nobody is told. */
  leave(): void {
    this.#sink.onCancel = undefined
    this.#producer.stop()
  }

  /** The rest of its body, beside the handlers. */
  run(): void {
    const sink = this.#sink
    sink.arrived()
    let open = true
    const forget = this.#life.atEnd(() => {
      sink.onCancel?.()
      if (!open) return
      open = false
      const { reason, cause } = this.#cell.refusal
      sink.dead(reason, this.#index, this.#cell.path, cause)
    })
    const close = (outcome: () => void): void => {
      forget()
      if (!open) return
      open = false
      outcome()
    }
    void this.#producer.run({
      ended: () => close(() => sink.handled(undefined, this.#index)),
      threw: (error) => close(() => this.#threw(error)),
    })
  }

  /** As with an ask, a KaitianError is an answer. */
  #threw(error: unknown): void {
    if (isKaitianError(error)) return this.#sink.refused(error, this.#index)
    const fault = faultOf(this.#cell.path, this.#name, error)
    this.#sink.refused(fault, this.#index)
    this.#cell.fail(this.#life, fault)
  }
}
