import type { Port } from '@kaitian/actors/internal'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

/** What every kind of port does. @param connect gives the two ends of a new connection */
export function portConformance(name: string, connect: () => Promise<[Port, Port]>): void {
  const test = suite(`port, ${name}`)
  const between = (body: (near: Port, far: Port) => Promise<void>) => async (): Promise<void> => {
    const [near, far] = await connect()
    try {
      await body(near, far)
    } finally {
      near.close()
      far.close()
    }
  }
  test('delivers in order, both ways at once', between(delivers))
  test('what came before `receive` waits for it', between(waits))
  test('serialises when it is posted', between(serialises))
  test('refuses what cannot be serialised, and the next still goes', between(refuses))
  test('moves what is transferred away from the sender', between(transfers))
  test('close delivers what was posted, then tells the other side once', between(closes))
  test('onClose waits until what had come was received', between(endsLast))
  test('close drops what nobody has received yet', between(drops))
  test('close within a batch delivers nothing of the rest of it', between(closesInBatch))
  test('nor does a close in the microtask after a message', between(closesAfterMessage))
  test('a close before `receive` delivers nothing of what had come', between(closesBefore))
  test('onClose is called once on each side, a late listener too', between(tellsOnce))
  test('close and post after close do nothing', between(idles))
  test('a listener that throws loses no other message', between(survives))
  test.run()
}

/** Everything that the port receives until it closes. */
export function received(port: Port): Promise<unknown[]> {
  const messages: unknown[] = []
  return new Promise((resolve) => {
    port.onClose(() => resolve(messages))
    port.receive((message) => messages.push(message))
  })
}

/** Up to this many messages. */
export function take(port: Port, count: number): Promise<unknown[]> {
  const messages: unknown[] = []
  return new Promise((resolve) => {
    port.receive((message) => {
      messages.push(message)
      if (messages.length === count) resolve(messages)
    })
  })
}

const numbers = Array.from({ length: 1000 }, (_, index) => index)

/** Some in one turn of the event loop, some apart. */
async function postNumbers(port: Port): Promise<void> {
  for (const number of numbers) {
    port.post(number)
    if (number % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

async function delivers(near: Port, far: Port): Promise<void> {
  const both = Promise.all([take(near, numbers.length), take(far, numbers.length)])
  await Promise.all([postNumbers(near), postNumbers(far)])
  assert.equal(await both, [numbers, numbers])
}

async function waits(near: Port, far: Port): Promise<void> {
  const answered = take(near, 1)
  near.post('first')
  near.post('second')
  far.post('they may have arrived')
  await answered
  assert.equal(await take(far, 2), ['first', 'second'])
}

async function serialises(near: Port, far: Port): Promise<void> {
  const message = { list: [1], map: new Map([['k', 1]]) }
  near.post(message)
  message.list.push(2)
  message.map.clear()
  assert.equal(await take(far, 1), [{ list: [1], map: new Map([['k', 1]]) }])
}

async function refuses(near: Port, far: Port): Promise<void> {
  const got = take(far, 2)
  near.post('before')
  assert.throws(() => near.post({ fine: 'x'.repeat(10_000), bad: () => 1 }))
  assert.throws(() => near.post(Symbol('bad')))
  near.post('after')
  assert.equal(await got, ['before', 'after'])
}

async function transfers(near: Port, far: Port): Promise<void> {
  const bytes = new Uint8Array([1, 2, 3])
  near.post({ bytes }, [bytes.buffer])
  assert.is(bytes.byteLength, 0)
  near.post('after')
  assert.equal(await take(far, 2), [{ bytes: new Uint8Array([1, 2, 3]) }, 'after'])
}

async function closes(near: Port, far: Port): Promise<void> {
  const large = 'x'.repeat(1 << 20)
  const got = received(far)
  for (const number of numbers) near.post(number)
  near.post(large)
  near.close()
  assert.equal(await got, [...numbers, large])
}

async function endsLast(near: Port, far: Port): Promise<void> {
  const order: unknown[] = []
  const ended = new Promise<void>((resolve) => far.onClose(() => resolve(void order.push('end'))))
  const nearEnded = new Promise<void>((resolve) => near.onClose(resolve))
  near.post('said')
  near.close()
  await nearEnded
  assert.equal(order, [])
  far.receive((message) => order.push(message))
  await ended
  assert.equal(order, ['said', 'end'])
}

async function drops(near: Port, far: Port): Promise<void> {
  const nearEnded = new Promise<void>((resolve) => near.onClose(resolve))
  near.post('said')
  near.close()
  await nearEnded
  far.close()
  assert.equal(await received(far), [])
}

/** Ten numbers come at once, and `close` is called at the third: what `far` hears after it has closed. */
async function heardTooLate(
  near: Port,
  far: Port,
  close: (now: () => void) => void,
): Promise<unknown[]> {
  const late: unknown[] = []
  let closed = false
  const ended = new Promise<void>((resolve) => far.onClose(resolve))
  far.receive((message) => {
    if (closed) late.push(message)
    if (message !== 3) return
    close(() => {
      far.close()
      closed = true
    })
  })
  for (let n = 1; n <= 10; n++) near.post(n)
  await ended
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(closed)
  return late
}

async function closesInBatch(near: Port, far: Port): Promise<void> {
  assert.equal(await heardTooLate(near, far, (now) => now()), [])
}

async function closesAfterMessage(near: Port, far: Port): Promise<void> {
  assert.equal(await heardTooLate(near, far, queueMicrotask), [])
}

async function closesBefore(near: Port, far: Port): Promise<void> {
  const nearHears = take(near, 1)
  near.post('said')
  far.post('it has come by now, if this has')
  await nearHears
  far.close()
  assert.equal(await received(far), [])
}

async function tellsOnce(near: Port, far: Port): Promise<void> {
  let calls = 0
  const ends = Promise.all([
    new Promise<void>((resolve) => near.onClose(() => resolve(void calls++))),
    received(far).then(() => void calls++),
  ])
  near.close()
  far.close()
  await ends
  await new Promise<void>((resolve) => far.onClose(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  assert.is(calls, 2)
}

async function idles(near: Port, far: Port): Promise<void> {
  const got = received(far)
  near.post('said')
  near.close()
  near.close()
  near.post('too late')
  assert.equal(await got, ['said'])
  far.post('nobody listens')
  far.close()
}

async function survives(near: Port, far: Port): Promise<void> {
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
  const messages: unknown[] = []
  const got = new Promise<void>((resolve) => {
    far.receive((message) => {
      messages.push(message)
      if (message === 'bad') throw new Error('the listener fails')
      if (message === 'last') resolve()
    })
  })
  for (const message of ['first', 'bad', 'last']) near.post(message)
  await got
  assert.match(String(await uncaught), /the listener fails/)
  assert.equal(messages, ['first', 'bad', 'last'])
}
