import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { KaitianError, toKaitianError } from '@kaitian/errors'

export interface Address {
  readonly host: string
  readonly port: number
}

/** Where streams between groups come from; tests put their own in its place. */
export interface Network {
  /** @throws PORT_IN_USE, BAD_CONFIG */
  listen(at: Address, accept: (stream: Duplex) => void): Promise<Listener>
  /** A stream that connects by itself and reports failure as any later loss. */
  dial(to: Address): Duplex
}

export interface Listener {
  readonly address: Address
  /** Stops listening; streams that were accepted live on. */
  close(): void
}

export const tcp: Network = {
  async listen(at, accept) {
    const server = createServer((socket) => accept(prepare(socket)))
    await bound(server, at)
    const { address, port } = server.address() as AddressInfo
    return { address: { host: address, port }, close: () => void server.close() }
  },

  dial(to) {
    return prepare(connect({ host: to.host, port: to.port }))
  },
}

/** Frames are written whole; waiting to fill a segment would only delay their ends. */
function prepare(socket: Socket): Socket {
  return socket.setNoDelay(true).setKeepAlive(true)
}

function bound(server: Server, at: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, at)))
    server.listen({ host: at.host, port: at.port, exclusive: true }, () => {
      server.removeAllListeners('error')
      // a failed accept (out of file descriptors, say) costs one connection, not the endpoint
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
