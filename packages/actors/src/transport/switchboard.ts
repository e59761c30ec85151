import type { SiteId } from '../site/wire.js'
import type { Ticket } from './exchange.js'
import type { Port } from './port.js'

/** How two sites come to have a port between them. */
export interface Switchboard {
  /** They can be given the two ends of a pair. */
  near(a: SiteId, b: SiteId): boolean
  /** Two ends that can be handed on along ports. */
  pair(): [unknown, unknown]
  /** A port of an end that was handed on to this site. */
  toPort(end: unknown): Port
  /** Closes an end that nobody is left to take. */
  discard(end: unknown): void
  /** Waits for the one caller that has the ticket, until it comes or `cancel` is called. */
  listen(): Promise<{ ticket: Ticket; port: Promise<Port>; cancel: () => void }>
  dial(ticket: Ticket): Promise<Port>
  close(): void
}
