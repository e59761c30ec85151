import { randomBytes, timingSafeEqual } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { KaitianError } from '@kaitian/errors'
import { deferred, type Deferred } from '../deferred.js'
import type { Door } from './hall.js'
import type { Port } from './port.js'
import { socketPort, type SocketPortOptions } from './socket-port.js'

/** Lets another process connect, once. A secret: who holds it is let in. */
export interface Ticket {
  path: string
  key: string
}

export interface ExchangeOptions extends SocketPortOptions {
  /** Opened when the first ticket is wanted. */
  openDoor(admit: (socket: Socket) => void): Promise<Door>
  /** Calls `fn` after `ms`, unless the returned function is called first: a clock's. */
  after(ms: number, fn: () => void): () => void
  /** How long who connects may take to show its key. */
  handshakeMs?: number
}

/** Sent as text, before the first frame. */
const KEY_BYTES = 32
const KEY_LENGTH = KEY_BYTES * 2

/**
 * Direct connections between sites of different processes. One side listens and hands a ticket
 * to the other by a way that exists already; the other dials. Whoever connects without showing
 * a ticket's key is cut off, and nothing else happens.
 */
export class SocketExchange {
  readonly #options: ExchangeOptions
  #door: Promise<Door> | undefined
  /** By key: nobody has come with it yet. */
  readonly #expected = new Map<string, Deferred<Port>>()
  /** By key: `accept` was not called yet. */
  readonly #arrivals = new Map<string, Promise<Port>>()
  /** Neither a port of somebody's yet, nor closed. */
  readonly #strangers = new Set<Socket>()
  #closed = false

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  /** A ticket for one connection, which `accept` then waits for. @throws FILE_WRITE_FAILED */
  async listen(): Promise<Ticket> {
    if (this.#closed) throw closedError()
    const { path } = await (this.#door ??= this.#open())
    if (this.#closed) throw closedError()
    const key = randomBytes(KEY_BYTES).toString('hex')
    const arrival = deferred<Port>()
    this.#expected.set(key, arrival)
    this.#arrivals.set(key, arrival.promise)
    return { path, key }
  }

  /** The connection that showed the key, once for each ticket. Rejects when it is revoked, or this is closed. */
  accept(key: string): Promise<Port> {
    const arrival = this.#arrivals.get(key)
    this.#arrivals.delete(key)
    if (arrival !== undefined) return arrival
    const sentence = 'No ticket waits to be accepted by this key; call listen for another'
    return Promise.reject(new KaitianError('BAD_ARGUMENT', sentence))
  }

  /** The other side will not come: its ticket is void. */
  revoke(key: string): void {
    this.#cancel(key, new KaitianError('CANCELLED', 'The ticket was revoked before it was used'))
  }

  /** Posts may follow at once. A wrong key shows as a port that closes. @throws LINK_LOST */
  dial({ path, key }: Ticket): Promise<Port> {
    if (this.#closed) return Promise.reject(closedError())
    const socket = connect(path)
    socket.write(key)
    this.#strangers.add(socket)
    return new Promise((resolve, reject) => {
      socket.once('error', (cause) => reject(nobodyListens(path, cause)))
      socket.once('close', () => {
        this.#strangers.delete(socket)
        reject(this.#closed ? closedError() : nobodyListens(path))
      })
      socket.once('connect', () => {
        this.#strangers.delete(socket)
        resolve(socketPort(socket, this.#options))
      })
    })
  }

  /** Ports that were handed out live on. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    // A door that did not open has nothing to close.
    this.#door?.then(
      (door) => door.close(),
      () => {},
    )
    for (const socket of this.#strangers) socket.destroy()
    for (const key of new Set([...this.#expected.keys(), ...this.#arrivals.keys()])) {
      this.#cancel(key, closedError())
    }
  }

  async #open(): Promise<Door> {
    try {
      return await this.#options.openDoor((socket) => this.#admit(socket))
    } catch (error) {
      this.#door = undefined
      throw error
    }
  }

  #cancel(key: string, error: KaitianError): void {
    this.#expected.get(key)?.reject(error)
    this.#expected.delete(key)
    // It may have come already, and nobody has asked for it.
    this.#arrivals.get(key)?.then(
      (port) => port.close(),
      () => {},
    )
    this.#arrivals.delete(key)
  }

  #admit(socket: Socket): void {
    this.#strangers.add(socket)
    const stopWaiting = this.#options.after(this.#options.handshakeMs ?? 5000, () => {
      socket.destroy()
    })
    const known = (): void => {
      stopWaiting()
      this.#strangers.delete(socket)
    }
    const readKey = (): void => {
      // Fewer at the end of the stream; what stands behind the key is the port's.
      const shown = socket.read(KEY_LENGTH) as Buffer | null
      if (shown === null) return
      socket.off('readable', readKey)
      const arrival = this.#claim(shown)
      if (arrival === undefined) return void socket.destroy()
      known()
      arrival.resolve(socketPort(socket, this.#options))
    }
    socket.on('error', () => {})
    socket.once('close', known)
    socket.on('readable', readKey)
  }

  #claim(shown: Buffer): Deferred<Port> | undefined {
    if (shown.byteLength !== KEY_LENGTH) return undefined
    for (const [key, arrival] of this.#expected) {
      if (!timingSafeEqual(shown, Buffer.from(key))) continue
      this.#expected.delete(key)
      return arrival
    }
    return undefined
  }
}

function closedError(): KaitianError {
  return new KaitianError(
    'SYSTEM_STOPPED',
    'Connections between processes were closed with their actor system; connect before disposing of it',
  )
}

function nobodyListens(path: string, cause?: Error): KaitianError {
  return new KaitianError(
    'LINK_LOST',
    `The other process does not listen any more at ${path}; it has ended, or closed its side`,
    { cause, fields: { path } },
  )
}
