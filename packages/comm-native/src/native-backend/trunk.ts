import { KaitianError } from '@kaitian/errors'
import type { Socket } from 'node:net'
import { checkNatural } from '../checks.js'
import type { Failure } from '../failure.js'
import type { NativeAddon, NativeTrunk } from '../native.js'
import { checkTrunk } from '../checks.js'
import type { Trunk, TrunkLoss, TrunkOptions } from '../trunk.js'
import type { Completions } from './completions.js'

/** A socket's inner handle. Node.js has no public way to a socket's descriptor. */
interface WithHandle {
  readonly _handle?: { readonly fd?: number } | null
}

/** The core's trunk with promises and checked arguments. */
export class NativeBackedTrunk implements Trunk {
  /** The same for all trunks of a communicator. */
  readonly chunkBytes: number
  readonly window: number
  readonly #handle: NativeTrunk
  readonly #completions: Completions

  constructor(addon: NativeAddon, completions: Completions, options: TrunkOptions) {
    const { chunkBytes, window, keepAliveMs, silenceMs } = checkTrunk(options)
    this.chunkBytes = chunkBytes
    this.window = window
    this.#completions = completions
    this.#handle = new addon.Trunk(chunkBytes, window, keepAliveMs, silenceMs)
  }

  /** For a communicator that spans groups. */
  get handle(): NativeTrunk {
    return this.#handle
  }

  get received(): number {
    return this.#handle.received()
  }

  get attached(): boolean {
    return this.#handle.attached()
  }

  get peakBytes(): number {
    return this.#handle.peakBytes()
  }

  async attach(socket: Socket, early: Uint8Array, peerReceived: number): Promise<TrunkLoss> {
    checkNatural('peerReceived', peerReceived)
    const read = drain(socket)
    const descriptor = (socket as WithHandle)._handle?.fd ?? -1
    if (descriptor < 0) {
      return { reason: 'closed', detail: 'the socket was closed before it was handed over' }
    }
    const behind = Buffer.concat([early, ...read])
    const lost = this.#completions.next((token) =>
      this.#handle.attach(descriptor, behind, peerReceived, token),
    )
    // In the same turn: the event loop reads nothing more, and closing this descriptor does not
    // end the connection, since the core has a duplicate of it.
    socket.destroy()
    return lossOf(await lost)
  }

  close(): void {
    this.#handle.close()
  }
}

/** What the stream has read ahead. From here on nobody else is told of what the socket reads. */
function drain(socket: Socket): Buffer[] {
  if (socket.writableLength > 0) {
    throw new KaitianError(
      'BAD_ARGUMENT',
      `The socket still has ${socket.writableLength} bytes to write; hand it over when they are written.`,
      { fields: { bytes: socket.writableLength } },
    )
  }
  socket.removeAllListeners('data').removeAllListeners('readable').pause()
  const pieces: Buffer[] = []
  for (;;) {
    const piece = socket.read() as Buffer | null
    if (piece === null) return pieces
    pieces.push(piece)
  }
}

function lossOf(failure: Failure | undefined): TrunkLoss {
  // The core reports a connection's end with no other failure.
  const { reason, detail } = failure as Failure & { kind: 'lost' }
  return { reason, detail }
}
