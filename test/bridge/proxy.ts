import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Address } from '@kaitian/train/bridge'

/** A TCP proxy whose connections break where the test says. */
export class Proxy implements AsyncDisposable {
  /** For each connection to come: after how many bytes, of both directions, it is cut; 0: passes none. */
  cuts: number[] = []
  /** Connections so far. */
  count = 0
  readonly #to: Address
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  static async open(to: Address): Promise<Proxy> {
    const proxy = new Proxy(to)
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  private constructor(to: Address) {
    this.#to = to
    this.#server = createServer((socket) => this.#join(socket))
  }

  get address(): Address {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server.close(), 'close')
    this.cutAll()
    await closed
  }

  #join(near: Socket): void {
    this.count++
    let left = this.cuts.shift() ?? Number.POSITIVE_INFINITY
    const mute = left === 0
    const far = connect(this.#to)
    const pairs: [Socket, Socket][] = [
      [near, far],
      [far, near],
    ]
    for (const [from, into] of pairs) {
      this.#sockets.add(from)
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        into.destroy()
      })
      from.on('data', (bytes: Buffer) => {
        if (mute) return
        const passed = bytes.subarray(0, left)
        left -= passed.byteLength
        if (left > 0) into.write(passed)
        else into.end(passed, () => from.destroy())
      })
    }
  }
}
