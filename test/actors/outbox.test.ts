import {
  messagePort,
  Op,
  Outbox,
  type Port,
  type Post,
  type TreeFrame,
  Turns,
} from '@kaitian/actors/internal'
import { KaitianError } from '@kaitian/errors'
import { MessageChannel } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { received } from '../conformance/port.js'

const test = suite('outbox')

/** What goes out, and what is given back. */
class Case {
  readonly uncloneable: Post[] = []
  readonly dropped: TreeFrame[] = []
  readonly outbox = new Outbox(
    new Turns(),
    () => undefined,
    (frame) => this.uncloneable.push(frame),
    (frame) => this.dropped.push(frame),
  )
  readonly #port: Port
  readonly #heard: Promise<unknown[]>

  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.#port = messagePort(port1)
    this.#heard = received(messagePort(port2))
    this.outbox.attach(this.#port)
  }

  heard(): Promise<unknown[]> {
    this.outbox.flush()
    this.#port.close()
    return this.#heard
  }
}

const bad = (): void => undefined

test('what cannot be cloned goes back alone, and the others go in order', async () => {
  const it = new Case()
  it.outbox.open().push(Op.tell, 1, 0, 'first')
  it.outbox.open().push(Op.tell, 1, 0, bad)
  it.outbox.open().push(Op.tell, 1, 0, 'last')
  assert.equal(await it.heard(), [
    [Op.tell, 1, 0, 'first'],
    [Op.tell, 1, 0, 'last'],
  ])
  assert.equal(it.uncloneable, [[Op.tell, 1, 0, bad]])
})

test('an error whose fields cannot be cloned travels without them', async () => {
  const it = new Case()
  const record = new KaitianError('BAD_TASK', 'Refused', { cause: new Error('why') }).toRecord()
  it.outbox.open().push(Op.refused, 1, { ...record, fields: { bad } })
  const [[op, id, error]] = (await it.heard()) as [[number, number, typeof record]]
  assert.equal([op, id, error.code, error.message], [Op.refused, 1, 'BAD_TASK', 'Refused'])
  assert.is(error.fields, undefined)
  assert.is(error.cause?.message, 'why')
})

test('what cannot go in any form is dropped, and nothing is thrown at the innocent', async () => {
  const it = new Case()
  const event = { name: 'stopped', data: { bad } } as const
  it.outbox.open().push(Op.tree, { t: 'event', event })
  it.outbox.open().push(Op.tree, { t: 'answer', id: 5, value: bad })
  it.outbox.open().push(Op.dead, 7, bad, undefined)
  it.outbox.open().push(Op.tell, 1, 0, 'last')
  assert.equal(await it.heard(), [
    [Op.tree, { t: 'answer', id: 5, value: undefined }],
    [Op.tell, 1, 0, 'last'],
  ])
  assert.equal(it.dropped, [{ t: 'event', event }])
  assert.equal(it.uncloneable, [[Op.dead, 7, bad, undefined]])
})

test('once it is closed, nothing goes, and nothing is kept', async () => {
  const it = new Case()
  it.outbox.close()
  it.outbox.open().push(Op.tell, 1, 0, 'too late')
  assert.equal(await it.heard(), [])
})

test.run()
