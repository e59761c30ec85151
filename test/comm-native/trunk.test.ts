import { loadBackend, type Trunk, type TrunkLoss, type TrunkOptions } from '@kaitian/comm-native'
import type { KaitianError } from '@kaitian/errors'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { eventually } from '../actors/support.js'
import { whenNative } from './conformance.js'
import { thrown } from './ranks.js'

const NOTHING = new Uint8Array(0)
/** A goodbye of version 2: prefix and checksum of `[22]`. */
const BYE = Buffer.from('4b544e020200000000000000', 'hex')
const BYE_FRAME = Buffer.concat([
  BYE,
  checksum([BYE, Buffer.from([0x91, 22])]),
  Buffer.from([0x91, 22]),
])

/** CRC-32C bit by bit, as the definition has it. */
function checksum(pieces: readonly Uint8Array[]): Buffer {
  let crc = 0xffffffff
  for (const byte of Buffer.concat(pieces)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(~crc >>> 0)
  return bytes
}

/** Both ends of a connection through this machine's loopback. */
async function pair(): Promise<[Socket, Socket]> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dialled = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  const [[accepted]] = await Promise.all([
    once(server, 'connection') as Promise<[Socket]>,
    once(dialled, 'connect'),
  ])
  server.close()
  return [dialled, accepted]
}

function open(options?: TrunkOptions): Trunk {
  return loadBackend('native').openTrunk(options)
}

/** Descriptors of sockets that are open in this process. */
function sockets(): number {
  if (process.platform !== 'linux') return 0
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      // It was the listing's own.
      return false
    }
  }).length
}

async function joined(one: Trunk, other: Trunk): Promise<[Promise<TrunkLoss>, Promise<TrunkLoss>]> {
  const [left, right] = await pair()
  return [one.attach(left, NOTHING, 0), other.attach(right, NOTHING, 0)]
}

type Suite = ReturnType<typeof suite>

function connections(test: Suite): void {
  test('two trunks take over a connection, and the end of one is told to the other', async () => {
    const before = sockets()
    const [one, other] = [open(), open()]
    assert.not(one.attached)
    const [lostHere, lostThere] = await joined(one, other)
    assert.ok(one.attached && other.attached)
    assert.is(one.received + other.received, 0)
    one.close()
    // With which words depends on whether the peer closed its end in answer before that was told.
    assert.is((await lostHere).reason, 'closed')
    assert.equal(await lostThere, { reason: 'closed', detail: 'the peer closed the link' })
    assert.not(one.attached || other.attached)
    other.close()
    assert.is(other.peakBytes, 0)
    await eventually(() => sockets() === before)
  })

  test('a lost trunk is attached again, and a new connection replaces the old one', async () => {
    const [one, other] = [open(), open()]
    const [left, right] = await pair()
    const lost = one.attach(left, NOTHING, 0)
    right.destroy()
    assert.is((await lost).reason, 'closed')
    const [first] = await joined(one, other)
    const [second] = await joined(one, other)
    assert.equal(await first, { reason: 'closed', detail: 'it was attached again' })
    assert.ok(one.attached)
    other.close()
    assert.is((await second).detail, 'the peer closed the link')
    one.close()
  })

  test('a peer that says nothing is lost as silent', async () => {
    const trunk = open({ keepAliveMs: 5, silenceMs: 20 })
    const [left, right] = await pair()
    const loss = await trunk.attach(left, NOTHING, 0)
    assert.equal(loss, { reason: 'silent', detail: 'nothing came for 20 ms' })
    trunk.close()
    right.destroy()
  })
}

function ownership(test: Suite): void {
  test('an attached trunk keeps its process, and a worker that ends closes its own', async () => {
    const trunk = open()
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const worker = new Worker(new URL('programs/trunk-worker.js', import.meta.url), {
      workerData: { port },
    })
    const told = once(worker, 'message')
    const [socket] = (await once(server, 'connection')) as [Socket]
    server.close()
    const lost = trunk.attach(socket, NOTHING, 0)
    assert.equal(await told, ['attached'])
    await worker.terminate()
    assert.is((await lost).detail, 'the peer closed the link')
    trunk.close()
  })
}

function handovers(test: Suite): void {
  test('what was read behind the handshake comes first, then what the stream has read', async () => {
    const trunk = open()
    const [left, right] = await pair()
    right.write(BYE_FRAME.subarray(5))
    await once(left.pause(), 'readable')
    assert.ok(left.readableLength > 0, 'the stream has read ahead')
    const loss = await trunk.attach(left, BYE_FRAME.subarray(0, 5), 0)
    assert.equal(loss, { reason: 'closed', detail: 'the peer closed the link' })
    trunk.close()
    right.destroy()
  })

  test('listeners of the stream hear nothing of what belongs to the trunk', async () => {
    const trunk = open()
    const [left, right] = await pair()
    let heard = 0
    left.on('data', (bytes: Buffer) => {
      heard += bytes.byteLength
      if (heard === 3) left.pause()
    })
    right.write('abc')
    await eventually(() => heard === 3)
    const lost = trunk.attach(left, NOTHING, 0)
    right.write(BYE_FRAME)
    assert.is((await lost).detail, 'the peer closed the link')
    assert.is(heard, 3)
    trunk.close()
    right.destroy()
  })
}

function refusals(test: Suite): void {
  test('B2 early bytes that are no frame end the connection, and its peer hears so', async () => {
    const trunk = open()
    const [left, right] = await pair()
    const closed = once(right.resume(), 'close')
    const loss = await trunk.attach(left, Buffer.from('GET / HTTP/1.1\r\n\r\n'), 0)
    assert.is(loss.reason, 'malformed')
    await closed
    assert.not(trunk.attached)
    trunk.close()
  })

  test('B2 a peer that claims more frames than were sent is refused, at each attempt', async () => {
    const before = sockets()
    const [one, other] = [open(), open()]
    const [left, right] = await pair()
    const closed = once(right.resume(), 'close')
    const loss = await one.attach(left, NOTHING, 1)
    assert.is(loss.reason, 'malformed')
    assert.match(loss.detail, /claims more frames/)
    await closed
    const [, lost] = await joined(one, other)
    one.close()
    await lost
    other.close()
    await eventually(() => sockets() === before)
  })

  test('a socket that is closed, and a trunk that is closed, take nothing', async () => {
    const before = sockets()
    const trunk = open()
    const [left, right] = await pair()
    left.destroy()
    assert.match((await trunk.attach(left, NOTHING, 0)).detail, /before it was handed over/)
    right.destroy()
    trunk.close()
    trunk.close()
    const [one, other] = await pair()
    const closed = once(other.resume(), 'close')
    assert.is((await trunk.attach(one, NOTHING, 0)).detail, 'closed here')
    await closed
    await eventually(() => sockets() === before)
  })
}

function misuse(test: Suite): void {
  test('a socket with bytes to write is refused, and left as it was', async () => {
    const trunk = open()
    const [left, right] = await pair()
    left.cork()
    left.write('not yet written')
    const error = (await trunk
      .attach(left, NOTHING, 0)
      .catch((reason: unknown) => reason)) as KaitianError
    assert.is(error.code, 'BAD_ARGUMENT')
    assert.match(error.message, /15 bytes to write/)
    left.uncork()
    assert.is(String((await once(right.resume(), 'data'))[0]), 'not yet written')
    for (const socket of [left, right]) socket.destroy()
    trunk.close()
  })

  test('options that make no sense are refused by name', () => {
    const wrong: TrunkOptions[] = [
      { chunkBytes: 0 },
      { chunkBytes: 7 },
      { chunkBytes: 1024 * 1024 + 1 },
      { window: 0 },
      { window: 1.5 },
      { keepAliveMs: -1 },
      { silenceMs: Number.NaN },
      { keepAliveMs: 50, silenceMs: 50 },
    ]
    for (const options of wrong) {
      const error = thrown(() => open(options))
      assert.is(error.code, 'BAD_ARGUMENT')
      assert.match(error.message, new RegExp(`^${Object.keys(options).at(-1)} must`))
    }
  })

  test('trunks that no communicator can use are refused by name', () => {
    const [good, small, narrow] = [open(), open({ chunkBytes: 4096 }), open({ window: 2 })]
    const wrong: Record<string, (Trunk | undefined)[]> = {
      'no way to group 2': [undefined, good],
      'trunks\\[1\\] is not of this backend': [undefined, {} as Trunk, good],
      'trunks\\[2\\] has a chunkBytes of 4096, another 262144': [undefined, good, small],
      'trunks\\[2\\] has a window of 2, another 16': [undefined, good, narrow],
      'trunks\\[2\\] leads to another group, too': [undefined, good, good],
    }
    for (const [what, trunks] of Object.entries(wrong)) {
      const options = { generation: 1, members: ['a', 'b', 'c'], deadlineMs: 1000 }
      const span = { group: 0, trunks }
      const error = thrown(() =>
        loadBackend('native').createCommunicator({ ...options, groups: [1, 1, 1], span }),
      )
      assert.is(error.code, 'BAD_ARGUMENT')
      assert.match(error.message, new RegExp(what))
    }
    for (const trunk of [good, small, narrow]) trunk.close()
  })
}

const fallback = suite('trunks without the native core')
fallback('are refused, and what to do is said', () => {
  const error = thrown(() => loadBackend('typescript').openTrunk())
  assert.is(error.code, 'NATIVE_LOAD_FAILED')
  assert.match(error.message, /need the native core.*npx kaitian build-native/)
})
fallback.run()

whenNative(() => {
  const test = suite('trunks')
  for (const add of [connections, ownership, handovers, refusals, misuse]) add(test)
  test.run()
})
