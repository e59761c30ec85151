import type { Socket } from 'node:net'

/** The same at both ends, but for the times. */
export interface TrunkOptions {
  /** 8 bytes to 1 MiB; default 256 KiB. */
  readonly chunkBytes?: number
  /** Chunks of each flow that may be on their way or not yet consumed; default 16. */
  readonly window?: number
  /** An end with nothing to say says so this often; default 1 s. */
  readonly keepAliveMs?: number
  /** A peer that says nothing for this long is lost; default 10 s. */
  readonly silenceMs?: number
}

/**
 * The way to one other group, for the whole run: connections may be lost and others attached,
 * and no frame is lost or comes twice.
 */
export interface Trunk {
  /** Numbered frames received so far, over all connections: what a handshake tells the peer. */
  readonly received: number
  readonly attached: boolean
  /** Most bytes of payload that were held at a time. */
  readonly peakBytes: number
  /**
   * Takes over a connection whose handshake is through, and everything that has been read from
   * its socket and not by the caller. The socket is destroyed, the connection lives on. Replaces
   * the connection before.
   *
   * @param early what the caller has read behind the handshake
   * @param peerReceived what the peer's handshake said
   * @returns why this connection carries nothing any more, once that is so; it never rejects for that
   * @throws BAD_ARGUMENT when the socket still has something to write
   */
  attach(socket: Socket, early: Uint8Array, peerReceived: number): Promise<TrunkLoss>
  /** For good. What is queued, and takes no wait, still goes out. */
  close(): void
}

export interface TrunkLoss {
  readonly reason: 'closed' | 'silent' | 'malformed' | 'corrupt'
  /** For people: "the peer closed the link". */
  readonly detail: string
}
