import { systemClock, virtualClock, type Clock } from '@kaitian/actors'
import { encode, Hall, SocketExchange, type Port, type Ticket } from '@kaitian/actors/internal'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { portConformance, received, take } from '../conformance/port.js'
import { eventually, rejection } from './support.js'

const test = suite('socket exchange')

function open(clock: Clock = systemClock, hall = new Hall()): SocketExchange {
  return new SocketExchange({
    openDoor: (admit) => hall.open('0', admit),
    after: (ms, fn) => clock.after(ms, fn),
    handshakeMs: 1000,
  })
}

/** A test with an exchange that is closed also when it fails. */
function withExchange(
  body: (exchange: SocketExchange, ticket: Ticket) => Promise<void>,
  clock?: Clock,
) {
  return async (): Promise<void> => {
    const exchange = open(clock)
    try {
      await body(exchange, await exchange.listen())
    } finally {
      exchange.close()
    }
  }
}

async function meet(exchange: SocketExchange, ticket: Ticket): Promise<[Port, Port]> {
  return Promise.all([exchange.dial(ticket), exchange.accept(ticket.key)])
}

portConformance('that an exchange made', async () => {
  const exchange = open()
  try {
    return await meet(exchange, await exchange.listen())
  } finally {
    exchange.close()
  }
})

test(
  'each ticket makes one connection, in whatever order they are used',
  withExchange(async (exchange, first) => {
    const second = await exchange.listen()
    const [near2, far2] = await meet(exchange, second)
    const [near1, far1] = await meet(exchange, first)
    near1.post('by the first')
    near2.post('by the second')
    assert.equal(await take(far1, 1), ['by the first'])
    assert.equal(await take(far2, 1), ['by the second'])
    for (const port of [near1, near2]) port.close()
  }),
)

test(
  'a connection that comes before it is accepted waits, with what it said',
  withExchange(async (exchange, ticket) => {
    const near = await exchange.dial(ticket)
    near.post('early')
    near.close()
    await new Promise<void>((resolve) => near.onClose(resolve))
    assert.equal(await received(await exchange.accept(ticket.key)), ['early'])
  }),
)

test(
  'a ticket is good once',
  withExchange(async (exchange, ticket) => {
    const [near, far] = await meet(exchange, ticket)
    const again = await exchange.dial(ticket)
    again.post('let me in')
    assert.equal(await received(again), [])
    await rejection(exchange.accept(ticket.key), 'BAD_ARGUMENT')
    near.post('still here')
    assert.equal(await take(far, 1), ['still here'])
    near.close()
  }),
)

/** Everything that the other side says until it closes. */
function closing(socket: Socket): Promise<string> {
  let said = ''
  socket.on('error', () => {})
  socket.on('data', (data: Buffer) => (said += data.toString()))
  return new Promise((resolve) => socket.once('close', () => resolve(said)))
}

const strangers: [string, (key: string) => string | Buffer][] = [
  ['a wrong key', (key) => 'f'.repeat(key.length)],
  ['a key in capitals', (key) => key.toUpperCase()],
  ['a key one short', (key) => `${key.slice(1)}\n`],
  ['no text', (key) => Buffer.alloc(key.length, 0xff)],
]
for (const [name, words] of strangers) {
  test(
    `${name} is cut off, and nothing else happens`,
    withExchange(async (exchange, ticket) => {
      const stranger = connect(ticket.path)
      const closed = closing(stranger)
      stranger.write(words(ticket.key))
      assert.is(await closed, '')
      const [near, far] = await meet(exchange, ticket)
      near.close()
      assert.equal(await received(far), [])
    }),
  )
}

test(
  'who leaves in the middle of its key is forgotten',
  withExchange(async (exchange, ticket) => {
    const stranger = connect(ticket.path)
    const closed = closing(stranger)
    stranger.end(ticket.key.slice(0, 40))
    await closed
    const [near] = await meet(exchange, ticket)
    near.close()
  }),
)

const clock = virtualClock()
test(
  'who shows no key in time is cut off',
  withExchange(async (_, ticket) => {
    const silent = connect(ticket.path)
    const closed = closing(silent)
    silent.write(ticket.key.slice(0, 40))
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(999)
    assert.not(silent.destroyed)
    await clock.advance(1)
    assert.is(await closed, '')
    assert.is(clock.pending, 0)
  }, clock),
)

test(
  'who has shown its key is not timed any more',
  withExchange(async (exchange, ticket) => {
    const [near, far] = await meet(exchange, ticket)
    assert.is(clock.pending, 0)
    near.close()
    await received(far)
  }, clock),
)

test(
  'a key in pieces, with the first frame right behind it',
  withExchange(async (exchange, ticket) => {
    const frame = encode('at once', 4)
    frame.writeUInt32LE(frame.byteLength - 4)
    const socket = connect(ticket.path)
    const [head, tail] = [ticket.key.slice(0, 20), ticket.key.slice(20)]
    await new Promise((resolve) => socket.write(head, resolve))
    await new Promise((resolve) => socket.write(Buffer.concat([Buffer.from(tail), frame]), resolve))
    const port = await exchange.accept(ticket.key)
    assert.equal(await take(port, 1), ['at once'])
    port.close()
    socket.destroy()
  }),
)

test(
  'only this user can reach the socket',
  withExchange((_, { path }) => {
    assert.is(statSync(dirname(path)).mode & 0o777, 0o700)
    return Promise.resolve()
  }),
)

test(
  'a revoked ticket is void',
  withExchange(async (exchange, ticket) => {
    const accepted = exchange.accept(ticket.key)
    exchange.revoke(ticket.key)
    await rejection(accepted, 'CANCELLED')
    assert.equal(await received(await exchange.dial(ticket)), [])
    exchange.revoke(ticket.key)
  }),
)

test('close ends who waits and leaves no file', async () => {
  const exchange = open()
  const tickets = [await exchange.listen(), await exchange.listen(), await exchange.listen()]
  const waits = exchange.accept(tickets[0].key)
  const [near, far] = await meet(exchange, tickets[1])
  const unasked = await exchange.dial(tickets[2])
  const stranger = connect(tickets[0].path)
  const cutOff = closing(stranger)
  near.post('said over the second connection')
  await take(far, 1)
  // The third connection is in by now, too.
  unasked.post('nobody has asked for it')
  await new Promise((resolve) => setImmediate(resolve))
  exchange.close()
  exchange.close()
  await rejection(waits, 'SYSTEM_STOPPED')
  assert.equal(await received(unasked), [])
  await cutOff
  assert.not(existsSync(dirname(tickets[0].path)))
  far.post('handed out, so it lives')
  assert.equal(await take(near, 1), ['handed out, so it lives'])
  near.close()
  await rejection(exchange.listen(), 'SYSTEM_STOPPED')
  await rejection(exchange.dial(tickets[0]), 'SYSTEM_STOPPED')
  await rejection(open().dial(tickets[0]), 'LINK_LOST')
})

test('close while it opens, or before, leaves nothing', async () => {
  open().close()
  const folder = mkdtempSync(join(tmpdir(), 'kaitian-test-'))
  await withTmpdir(folder, async () => {
    const exchange = open()
    const listening = exchange.listen()
    exchange.close()
    await rejection(listening, 'SYSTEM_STOPPED')
    await eventually(() => readdirSync(folder).length === 0)
  })
  rmSync(folder, { recursive: true })
})

test('close ends who is dialling', async () => {
  const exchange = open()
  const other = open()
  const ticket = await other.listen()
  const dialled = exchange.dial(ticket)
  exchange.close()
  await rejection(dialled, 'SYSTEM_STOPPED')
  other.close()
})

test('a process that leaves without closing leaves no file', () => {
  const program = fileURLToPath(new URL('./programs/leave-open.js', import.meta.url))
  const path = execFileSync(process.execPath, [program], { encoding: 'utf8' })
  assert.match(path, /kaitian-/)
  assert.not(existsSync(dirname(path)))
})

test('a place for temporary files that does not do is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kaitian-test-'))
  const long = join(folder, 'x'.repeat(100))
  mkdirSync(long)
  for (const place of [long, join(folder, 'missing')]) {
    await withTmpdir(place, async () => {
      const error = await rejection(open().listen(), 'FILE_WRITE_FAILED')
      assert.match(error.message, /set TMPDIR to a short path/)
    })
  }
  assert.equal(readdirSync(long), [])
  rmSync(folder, { recursive: true })
})

async function withTmpdir(place: string, body: () => Promise<void>): Promise<void> {
  const { TMPDIR } = process.env
  process.env.TMPDIR = place
  try {
    await body()
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
}

test.run()
