import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { KaitianError, toKaitianError } from '@kaitian/errors'

export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Where connections between groups come from; tests put their own in its place. They are TCP's,
 * for the native core takes over their descriptors.
 */
export interface Network {
  /** @throws PORT_IN_USE, BAD_CONFIG */
  listen(at: Address, accept: (socket: Socket) => void): Promise<Listener>
  /** A socket that connects by itself and reports failure as any later loss. */
  dial(to: Address): Socket
}

export interface Listener {
  readonly address: Address
  /** Stops listening at once; resolves when the sockets that were accepted are closed, too. */
  close(): Promise<void>
}

/** Frames are written whole; waiting to fill a segment would only delay their ends. */
export const tcp: Network = {
  async listen(at, accept) {
    const server = createServer((socket) => accept(socket.setNoDelay(true)))
    await bound(server, at)
    const { address, port } = server.address() as AddressInfo
    return {
      address: { host: address, port },
      close: () => new Promise((resolve) => void server.close(() => resolve())),
    }
  },

  dial(to) {
    return connect({ host: to.host, port: to.port }).setNoDelay(true)
  },
}

function bound(server: Server, at: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, at)))
    server.listen({ host: at.host, port: at.port, exclusive: true }, () => {
      server.removeAllListeners('error')
      // A failed accept (out of file descriptors, say) costs one connection, not the run.
      server.on('error', () => {})
      resolve()
    })
  })
}

function listenError(error: NodeJS.ErrnoException, { host, port }: Address): KaitianError {
  if (error.code !== 'EADDRINUSE') {
    return toKaitianError(error, 'BAD_CONFIG', `Cannot listen on ${host}:${port}`)
  }
  return new KaitianError(
    'PORT_IN_USE',
    `Port ${port} of ${host} is taken; choose another, or 0 for any free one.`,
    { cause: error, fields: { host, port } },
  )
}
