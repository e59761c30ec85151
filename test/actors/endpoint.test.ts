import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MessageChannel, Worker } from 'node:worker_threads'

const test = suite('facade endpoint')

/** Talks to a facade's thread as a forged comlink would: one request, one answer by its id. */
async function withForgedCaller(
  body: (
    send: (request: object) => void,
    call: (name: string) => Promise<unknown>,
    answered: readonly string[],
  ) => Promise<void>,
): Promise<void> {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL('./fixtures/desk.js', import.meta.url), {
    workerData: { kaitianFacade: { port: port2, data: {} } },
    transferList: [port2],
  })
  const answered: string[] = []
  const answers = new Map<string, (answer: unknown) => void>()
  const ready = new Promise<void>((resolve) => {
    port1.on('message', (message: { t?: string; id?: string; value?: unknown }) => {
      if (message.t === 'ready') resolve()
      if (message.id === undefined) return
      answered.push(message.id)
      answers.get(message.id)?.(message.value)
    })
  })
  const send = (request: object): void => port1.postMessage(request, [])
  let lastId = 0
  const call = (name: string): Promise<unknown> => {
    const id = String(++lastId)
    send({ id, type: 'APPLY', path: [name], argumentList: [] })
    return new Promise((resolve) => answers.set(id, resolve))
  }
  try {
    await ready
    await body(send, call, answered)
  } finally {
    port1.close()
    await worker.terminate()
  }
}

test('a forged path cannot reach a prototype', () =>
  withForgedCaller(async (send, call) => {
    const value = { type: 'RAW', value: true }
    for (const path of [
      ['__proto__', 'tainted'],
      ['count', '__proto__', 'tainted'],
      ['constructor', 'prototype', 'tainted'],
      ['tainted'],
    ]) {
      send({ id: `set ${path.join('.')}`, type: 'SET', path, value })
    }
    assert.equal(await call('isTainted'), { value: false })
  }))

test('nothing but a call of an own method is answered', () =>
  withForgedCaller(async (send, call, answered) => {
    for (const request of [
      { type: 'GET', path: ['count'] },
      { type: 'GET', path: [] },
      { type: 'CONSTRUCT', path: ['count'], argumentList: [] },
      { type: 'APPLY', path: ['toString'], argumentList: [] },
      { type: 'APPLY', path: ['count', 'call'], argumentList: [] },
      { type: 'ENDPOINT' },
      { type: 'RELEASE' },
    ]) {
      send({ id: JSON.stringify(request), ...request })
    }
    assert.equal(await call('isTainted'), { value: false }, 'it still answers, after all those')
    assert.equal(answered, ['1'])
  }))

test.run()
