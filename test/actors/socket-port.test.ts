import { encode, socketPort, type SocketPort } from '@kaitian/actors/internal'
import { KaitianError } from '@kaitian/errors'
import * as fc from 'fast-check'
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { portConformance, received, take } from '../conformance/port.js'
import { socketPair } from './sockets.js'

const connect = async (): Promise<[SocketPort, SocketPort]> => {
  const [near, far] = await socketPair()
  return [socketPort(near), socketPort(far)]
}

portConformance('between processes', connect)

const test = suite('socket port')

function framed(message: unknown): Buffer {
  const frame = encode(message, 4)
  frame.writeUInt32LE(frame.byteLength - 4)
  return frame
}

/** What a port receives when its socket reads these chunks. */
async function readingOf(chunks: readonly Buffer[]): Promise<unknown[]> {
  const socket = new Socket()
  const messages = received(socketPort(socket))
  for (const chunk of chunks) socket.emit('data', chunk)
  socket.destroy()
  return messages
}

test('frames come whole however the stream is cut', async () => {
  const messages = ['', 'a', { list: [1, 2.5, null] }, new Map([['k', 1]]), 'x'.repeat(300)]
  const stream = Buffer.concat(messages.map(framed))
  const cuts = fc.array(fc.nat(stream.byteLength), { maxLength: 40 })
  const property = fc.asyncProperty(cuts, async (places) => {
    const edges = [0, ...places.toSorted((one, other) => one - other), stream.byteLength]
    const chunks = edges
      .slice(1)
      .map((end, index) => Buffer.from(stream.subarray(edges[index], end)))
    assert.equal(await readingOf(chunks), messages)
  })
  await fc.assert(property, { seed: 20260, numRuns: 500 })
  assert.equal(await readingOf(Array.from(stream, (byte) => Buffer.from([byte]))), messages)
})

test('a chunk may be used again once it was read', async () => {
  const stream = Buffer.concat([framed('first'), framed(new Map([['k', 'second']]))])
  const chunk = Buffer.alloc(7)
  const socket = new Socket()
  const messages = received(socketPort(socket))
  for (let at = 0; at < stream.byteLength; at += chunk.byteLength) {
    const copied = stream.copy(chunk, 0, at)
    socket.emit('data', chunk.subarray(0, copied))
    chunk.fill(0xee)
  }
  socket.destroy()
  assert.equal(await messages, ['first', new Map([['k', 'second']])])
})

test('the posts of one turn are one write', async () => {
  let writes = 0
  class CountingSocket extends Socket {
    override _writev(...args: Parameters<NonNullable<Socket['_writev']>>): void {
      writes++
      super._writev?.(...args)
    }
    override _write(...args: Parameters<Socket['_write']>): void {
      writes++
      super._write(...args)
    }
  }
  const [near, far] = await socketPair(new CountingSocket())
  const [nearPort, farPort] = [socketPort(near), socketPort(far)]
  const got = take(farPort, 200)
  for (let turn = 0; turn < 2; turn++) {
    for (let index = 0; index < 100; index++) nearPort.post(index)
    await Promise.resolve()
  }
  assert.is((await got).length, 200)
  assert.is(writes, 2)
  nearPort.close()
})

test('large messages cross', async () => {
  const [near, far] = await connect()
  const got = take(far, 2)
  const bytes = new Uint8Array(40 << 20).fill(7)
  bytes[bytes.length - 1] = 8
  near.post(bytes)
  near.post('x'.repeat(10 << 20))
  const [view, text] = (await got) as [Uint8Array, string]
  assert.is(Buffer.compare(view, bytes), 0)
  assert.is(text.length, 10 << 20)
  near.close()
})

test('a message past the limit is refused by name, and the next still goes', async () => {
  const [nearSocket, farSocket] = await socketPair()
  const near = socketPort(nearSocket, { maxMessageBytes: 100 })
  const far = socketPort(farSocket, { maxMessageBytes: 100 })
  const got = take(far, 1)
  const error = thrown(() => near.post('x'.repeat(100)))
  assert.is(error.code, 'MESSAGE_TOO_LARGE')
  assert.equal(error.fields, { byteLength: 102, maxBytes: 100 })
  near.post('x'.repeat(98))
  assert.equal(await got, ['x'.repeat(98)])
  near.close()
})

test('a handle is not transferred, nor lost', async () => {
  const [near, far] = await connect()
  const got = received(far)
  const { port1, port2 } = new MessageChannel()
  assert.is(thrown(() => near.post('with a port', [port1])).code, 'MESSAGE_NOT_CLONEABLE')
  near.close()
  assert.equal(await got, [])
  port1.close()
  port2.close()
})

const broken: [string, Buffer][] = [
  ['a frame longer than allowed', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['an empty frame', Buffer.from([0, 0, 0, 0, 1, 2])],
  ['a body that is no message', Buffer.from([2, 0, 0, 0, 0x92, 0x01])],
]
for (const [name, bytes] of broken) {
  test(`${name} closes the port, after what was whole`, async () => {
    const [near, far] = await socketPair()
    const port = socketPort(far)
    const got = received(port)
    near.write(Buffer.concat([framed('whole'), bytes, framed('behind')]))
    const nearClosed = new Promise((resolve) => near.resume().once('close', resolve))
    assert.equal(await got, ['whole'])
    assert.is(port.error?.code, 'FRAME_INVALID')
    port.post('nobody hears it')
    await nearClosed
  })
}

test('a peer that breaks off is no error, and posts to it do nothing', async () => {
  const [near, far] = await socketPair()
  const port = socketPort(far)
  const got = received(port)
  near.write(Buffer.concat([framed('whole'), framed('cut').subarray(0, 6)]), () => near.destroy())
  assert.equal(await got, ['whole'])
  assert.is(port.error, undefined)
  port.post('late')
  port.close()
})

test('the backlog to a peer that vanishes is dropped in silence', async () => {
  const [near, far] = await socketPair()
  const port = socketPort(far)
  const closed = received(port)
  for (let index = 0; index < 100; index++) port.post('x'.repeat(100_000))
  setImmediate(() => near.destroy())
  assert.equal(await closed, [])
})

test('a listener that closes the port gets nothing more', async () => {
  const [near, far] = await connect()
  const got: unknown[] = []
  const closed = new Promise<void>((resolve) => far.onClose(resolve))
  far.receive((message) => {
    got.push(message)
    far.close()
  })
  for (const message of ['first', 'second']) near.post(message)
  await closed
  assert.equal(got, ['first'])
})

if (process.platform === 'linux') {
  test('what a process said before it died comes, also when a write finds it dead', async () => {
    const program = fileURLToPath(new URL('./programs/last-words.js', import.meta.url))
    const child = spawn(process.execPath, [program], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    })
    const port = socketPort(child.stdio[3] as Socket)
    const got = received(port)
    waitUntilDead(child)
    port.post('are you there?')
    assert.equal(await got, ['first', 'x'.repeat(100_000), { last: true }])
    assert.is(port.error, undefined)
  })
}

/** Without a turn of the event loop, so that nothing is read meanwhile. */
function waitUntilDead({ pid }: ChildProcess): void {
  const state = (): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1][0]
  while (state() !== 'Z');
}

function thrown(body: () => void): KaitianError {
  try {
    body()
  } catch (error) {
    assert.instance(error, KaitianError)
    return error as KaitianError
  }
  return assert.unreachable('it did not throw') as never
}

test.run()
