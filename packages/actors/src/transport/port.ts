import type { TransferListItem } from 'node:worker_threads'

export type Transferable = TransferListItem

/** One end of an ordered, reliable connection between two sites. */
export interface Port {
  /** Serialises now, sends in order. Throws when `message` cannot be serialised (nothing is sent then). */
  post(message: unknown, transfer?: readonly Transferable[]): void
  /** Called for each message, in order. Call once; what came before waits for it. */
  receive(listener: (message: unknown) => void): void
  /** Called once, when nothing more will come and all that had come was received. At most one listener. */
  onClose(listener: () => void): void
  /**
   * Idempotent. What was posted before is still delivered, if the other side lives. To this side
   * nothing is delivered from here on, not even what has arrived: who closed it has drawn a line.
   */
  close(): void
}
