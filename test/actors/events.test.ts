import { ask, createSystem, protocol, tell, type System } from '@kaitian/actors'
import { overSeeds } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { eventually, rejection, withSystem } from './support.js'

const test = suite('events')

const DeskProtocol = protocol({ echo: ask<number, number>(), boom: tell(), slowBoom: ask() })

class Desk {
  static readonly protocol = DeskProtocol
  echo(value: number): number {
    return value
  }
  boom(): void {
    throw new TypeError('a bug')
  }
  async slowBoom(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    throw new TypeError('a bug')
  }
}

const names = ['spawned', 'failed', 'restarted', 'stopped', 'escalated', 'dead-letter'] as const

/** What was told as an uncaught error while `body` ran. */
async function uncaughtIn(body: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = []
  const note = (error: unknown): void => void errors.push(error)
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', note)
  try {
    await body()
    await new Promise((resolve) => setImmediate(resolve))
    return errors
  } finally {
    process.off('uncaughtException', note)
    for (const listener of before) process.on('uncaughtException', listener)
  }
}

test('a listener that throws harms nobody, and is an uncaught error', async () => {
  const heard: string[] = []
  const errors = await uncaughtIn(
    withSystem(async (system) => {
      for (const name of names) {
        system.events.on(name, () => {
          throw new RangeError(`a listener of ${name}`)
        })
        system.events.on(name, () => heard.push(name))
      }
      const restart = { max: 1, withinMs: 60_000 }
      const group = system.supervise({ strategy: 'one-for-one', restart })
      const a = await group.spawn(Desk, undefined, { name: 'a' })
      const b = await system.spawn(Desk, undefined, { name: 'b' })
      a.tell.boom()
      // In the same run of turns, behind the failure.
      assert.is(await b.ask.echo(1), 1)
      await eventually(async () => (await a.ask.echo(2).catch(() => 0)) === 2)
      await rejection(a.ask.slowBoom(), 'ACTOR_FAILED')
      await eventually(() => heard.includes('escalated'))
      await rejection(a.ask.echo(3), 'ACTOR_STOPPED')
      assert.is(await b.ask.echo(4), 4)
      const { sent, handled, deadLettered, inFlight } = await system.accounts()
      assert.is(inFlight, 0)
      assert.is(sent, handled + deadLettered)
    }),
  )
  for (const name of names) assert.ok(heard.includes(name), name)
  assert.equal(
    errors.map((error) => (error as Error).message),
    heard.map((name) => `a listener of ${name}`),
  )
})

test('an emitter of bystanders is otherwise as any other', async () => {
  const system = createSystem()
  const { events } = system
  const calls: string[] = []
  const emit = (): void => {
    const event = { path: 'x', thread: '0' }
    ;(events as unknown as { emit(name: string, event: object): void }).emit('spawned', event)
  }
  const one = (): void => void calls.push('one')
  const other = function (this: unknown): void {
    calls.push(`other of ${String(this)}`)
  }
  events.on('spawned', one)
  events.addListener('spawned', other, 'a context')
  events.once('spawned', one)
  assert.equal(events.listeners('spawned'), [one, other, one])
  assert.is(events.listenerCount('spawned'), 3)
  emit()
  assert.equal(calls, ['one', 'other of a context', 'one'])
  emit()
  assert.equal(calls.splice(0).slice(3), ['one', 'other of a context'])
  events.off('spawned', one)
  events.off('spawned', other, 'another context')
  emit()
  assert.equal(calls.splice(0), ['other of a context'])
  events.removeListener('spawned', other)
  emit()
  assert.equal(calls, [])
  events.once('spawned', one)
  events.off('spawned', one)
  events.on('spawned', one)
  events.removeAllListeners()
  emit()
  assert.equal(calls, [])
  assert.throws(() => events.on('spawned', 'no function' as never), /must be a function/)
  await system.dispose()
})

test('a listener may kill, stop, spawn and tell in the midst of what it hears of', async () => {
  const errors = await uncaughtIn(
    withSystem(async (system) => {
      const orders: Promise<unknown>[] = []
      const acts = [
        (ref: Parameters<System['kill']>[0]) => system.kill(ref),
        (ref: Parameters<System['kill']>[0]) => system.kill(ref, { restart: true }),
        (ref: Parameters<System['kill']>[0]) => system.stop(ref),
        () => system.spawn(Desk),
      ]
      for (const act of acts) {
        for (const event of ['failed', 'dead-letter'] as const) {
          const restart = { max: 2, withinMs: 60_000 }
          const ref = await system.spawn(Desk, undefined, { restart, mailbox: { capacity: 2 } })
          system.events.once(event, () => void orders.push(Promise.resolve(act(ref))))
          ref.tell.boom()
          for (let i = 0; i < 4; i++) void ref.ask.echo(i).catch(() => undefined)
          await eventually(async () => (await system.accounts()).inFlight === 0)
        }
      }
      await Promise.all(orders)
      const { sent, handled, deadLettered } = await system.accounts()
      assert.is(sent, handled + deadLettered)
    }),
  )
  assert.equal(errors, [])
})

test('a run over seeds fails with what a listener throws', async () => {
  const error = await rejection(
    overSeeds({
      seeds: 1,
      generate: () => [],
      async run(system) {
        system.events.on('spawned', () => {
          throw new RangeError('a listener')
        })
        await system.spawn(Desk)
        await system.settle()
      },
    }),
    'INTERNAL',
  )
  assert.match(error.message, 'seed 1 fails: a listener')
})

test.run()
