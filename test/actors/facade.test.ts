import { openFacade, virtualClock, type Facade } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { threadId } from 'node:worker_threads'
import type { Desk, DeskEvents, DeskOptions } from './fixtures/desk.js'
import { Gate, SharedLog } from './fixtures/shared-log.js'
import { eventually, rejection } from './support.js'

const module = new URL('./fixtures/desk.js', import.meta.url)
const open = (data: DeskOptions = {}): Promise<Facade<Desk, DeskEvents>> =>
  openFacade<Desk, DeskEvents>(module, { data })

const test = suite('facade')

test('events come before the answer to the call that emitted them', async () => {
  const desk = await open()
  const counted: number[] = []
  desk.events.on('counted', ({ n }) => counted.push(n))
  assert.is(await desk.api.count(3), 3)
  assert.equal(counted, [1, 2, 3])
  await desk.dispose()
})

test('an actor system, with threads of its own, runs in the facade’s thread', async () => {
  const desk = await open()
  const threads = await desk.api.threads()
  assert.is(new Set([threadId, ...threads]).size, 3)
  await desk.dispose()
})

test('errors keep code, fields and cause', async () => {
  const desk = await open()
  const error = await rejection(desk.api.refuse(), 'BAD_TASK')
  assert.equal(error.fields, { a: 1 })
  assert.is((error.cause as Error).name, 'RangeError')
  await desk.dispose()
})

test('A3 a call that is not answered in time rejects, and a later answer changes nothing', async () => {
  const desk = await openFacade<Desk, DeskEvents>(module, { data: {}, timeoutMs: 30 })
  const gate = new Gate()
  const error = await rejection(desk.api.hang(gate.cells), 'ASK_TIMEOUT')
  assert.is(error.fields.message, 'hang')
  assert.is(await desk.api.count(2), 2)
  await desk.dispose()
})

test('a ping tells a thread that is blocked from one that waits', async () => {
  const desk = await open()
  const gate = new Gate()
  const hanging = rejection(desk.api.hang(gate.cells), 'SYSTEM_STOPPED')
  assert.ok((await desk.ping(5000)) >= 0, 'a call that waits does not block')
  const word = new Int32Array(new SharedArrayBuffer(4))
  const frozen = desk.api.freeze(word)
  await rejection(desk.ping(30), 'ASK_TIMEOUT')
  Atomics.store(word, 0, 1)
  Atomics.notify(word, 0)
  await frozen
  assert.ok((await desk.ping(5000)) >= 0)
  await desk.dispose()
  await hanging
})

test('A3 every call settles when the thread exits or crashes, and later ones reject', async () => {
  for (const end of ['exit', 'crash'] as const) {
    const desk = await open()
    const gate = new Gate()
    const hanging = rejection(desk.api.hang(gate.cells), 'THREAD_EXITED')
    await gate.arrived()
    void desk.api[end]().catch(() => undefined)
    const error = await hanging
    assert.ok(desk.signal.aborted)
    if (end === 'crash') assert.is((error.cause as KaitianError).code, 'BAD_TASK')
    else assert.is(error.fields.exitCode, 4)
    await rejection(desk.api.count(1), 'THREAD_EXITED')
    await desk.dispose()
  }
})

test('dispose disposes of the object, settles what hangs and leaves no handle (A7)', async () => {
  const kinds = (): string[] =>
    process.getActiveResourcesInfo().filter((kind) => /Port|Worker|Timeout/.test(kind))
  const before = kinds()
  const log = new SharedLog()
  const desk = await open({ log: log.cells })
  const gate = new Gate()
  const hanging = rejection(desk.api.hang(gate.cells), 'SYSTEM_STOPPED')
  await gate.arrived()
  await desk.dispose()
  await hanging
  assert.equal(log.entries(), [1])
  assert.equal(kinds(), before)
})

test('A7 a thread that does not end is told of, and not waited for', async () => {
  const clock = virtualClock()
  const desk = await openFacade<Desk, DeskEvents>(module, { data: {}, clock })
  const gate = new Gate()
  const blocked = rejection(desk.api.block(gate.cells, 600_000), 'SYSTEM_STOPPED')
  await gate.arrived()
  const refused = rejection(desk.dispose({ timeoutMs: 10, exitMs: 20 }), 'ACTOR_QUARANTINED')
  await blocked
  await clock.advance(10)
  assert.is(clock.pending, 1, 'it has been terminated')
  await clock.advance(20)
  assert.equal((await refused).fields, { module: module.href })
  assert.is(clock.pending, 0)
  // Its code returns after all; nothing keeps this process until then.
  let ended = false
  void desk.dispose().then(() => (ended = true))
  await eventually(() => ended)
})

test('an import error and a failing factory refuse the opening', async () => {
  const missing = new URL('./fixtures/missing.js', import.meta.url)
  assert.match((await rejection(openFacade(missing), 'SPAWN_FAILED')).message, 'missing.js')
  const error = await rejection(open({ fail: true }), 'SPAWN_FAILED')
  assert.is((error.cause as KaitianError).code, 'BAD_CONFIG')
  const silent = new URL('./fixtures/shared-log.js', import.meta.url)
  await rejection(openFacade(silent), 'SPAWN_FAILED')
})

test('a thread that does not come up can be given up, and is gone then', async () => {
  const kinds = (): string[] =>
    process.getActiveResourcesInfo().filter((kind) => /Port|Worker/.test(kind))
  const before = kinds()
  const giveUp = new AbortController()
  const opening = openFacade(module, { data: { stuck: true }, signal: giveUp.signal })
  setTimeout(() => giveUp.abort(new KaitianError('CANCELLED', 'no more')), 300)
  await rejection(opening, 'CANCELLED')
  assert.equal(kinds(), before)
  await rejection(openFacade(module, { signal: giveUp.signal }), 'CANCELLED')
})

test('who emits can see how far the reader is behind', async () => {
  const desk = await open()
  assert.is(await desk.api.countUnread(1000), 1000)
  await eventually(async () => (await desk.api.unread()) < 32)
  await desk.dispose()
})

test('only the object’s own methods can be called', async () => {
  const desk = await open()
  const api = desk.api as unknown as Record<string, unknown>
  for (const name of ['constructor', '__proto__', 'prototype', 'then', 'toString']) {
    assert.is(api[name], undefined, name)
  }
  await desk.dispose()
})

test('arguments that cannot be cloned reject the call alone', async () => {
  const desk = await open()
  const bad = (() => 1) as unknown as number
  await rejection(desk.api.count(bad), 'MESSAGE_NOT_CLONEABLE')
  assert.is(await desk.api.count(1), 1)
  await desk.dispose()
})

test.run()
