import type { Trunk } from '@kaitian/comm-native'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Line } from './line.js'

/** The connections of a trunk, one in place of the other. */
export interface Connections {
  /** One more. Rank 1 dials; rank 0 takes what comes. */
  next(): Promise<void>
  close(): void
}

export async function connections(
  rank: 0 | 1,
  other: Line,
  trunk: Trunk,
  step: () => void,
): Promise<Connections> {
  return rank === 0 ? listen(other, trunk, step) : dial((await other.hear()).port!, trunk, step)
}

async function listen(other: Line, trunk: Trunk, step: () => void): Promise<Connections> {
  const server = createServer((socket) => {
    // It may have been closed at the other end before it is here.
    handOver(trunk, socket, step).catch(() => {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  other.say({ port: (server.address() as AddressInfo).port })
  return { next: async () => {}, close: () => void server.close() }
}

function dial(port: number, trunk: Trunk, step: () => void): Connections {
  const next = async (): Promise<void> => {
    const socket = connect({ host: '127.0.0.1', port })
    await once(socket, 'connect')
    await handOver(trunk, socket, step)
  }
  return { next, close: () => {} }
}

/** A handshake without secrets: each end says how many frames it has received. */
async function handOver(trunk: Trunk, socket: Socket, step: () => void): Promise<void> {
  socket.on('error', () => {})
  const said = Buffer.alloc(8)
  said.writeBigUInt64LE(BigInt(trunk.received))
  await new Promise((resolve) => socket.write(said, resolve))
  let heard = Buffer.alloc(0)
  while (heard.byteLength < said.byteLength) {
    if (socket.readableEnded || socket.destroyed) return
    const piece = socket.read() as Buffer | null
    if (piece === null) await once(socket, 'readable')
    else heard = Buffer.concat([heard, piece])
  }
  step()
  void trunk.attach(socket, heard.subarray(8), Number(heard.readBigUInt64LE()))
}
