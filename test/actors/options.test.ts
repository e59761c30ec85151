import {
  ask,
  createSystem,
  flow,
  nothing,
  openFacade,
  openPool,
  protocol,
  tell,
  virtualClock,
  type Context,
} from '@kaitian/actors'
import { overSeeds, testSystem } from '@kaitian/actors/testing'
import { KaitianError } from '@kaitian/errors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from './support.js'

const test = suite('options')

const DeskProtocol = protocol({
  echo: ask<unknown, unknown>(),
  note: tell<unknown>(),
  list: flow<unknown, number>(),
  total: ask<number>(nothing),
  bareNote: tell(nothing),
  bareList: flow<number>(nothing),
})

class Desk {
  static readonly protocol = DeskProtocol
  echo(value: unknown): unknown {
    return value
  }
  note(): void {}
  *list(): Generator<number> {
    yield 1
  }
  total(): number {
    return 5
  }
  bareNote(): void {}
  *bareList(): Generator<number> {
    yield 2
  }
}

/** Of any type: a user without a type checker may pass it. */
type Anything = never

const durations = [Number.NaN, -1, '5', null, {}, true, 5n] as const
const counts = [0, -1, 1.5, Number.NaN, Infinity, '1', null] as const

/** What `call` rejects with, at the door: it does not throw. */
async function refuses(
  call: (bad: Anything) => Promise<unknown>,
  option: string,
  values: readonly unknown[],
): Promise<void> {
  for (const value of values) {
    const error = await rejection(call(value as Anything), 'BAD_ARGUMENT').catch((e: Error) => {
      throw new Error(`${option}: ${String(value)}: ${e.message}`)
    })
    assert.match(error.message, option)
    assert.is(error.fields.option, option, error.message)
  }
}

function throws(
  call: (bad: Anything) => unknown,
  option: string,
  values: readonly unknown[],
): void {
  for (const value of values) {
    try {
      call(value as Anything)
    } catch (error) {
      assert.instance(error, KaitianError)
      assert.is((error as KaitianError).code, 'BAD_ARGUMENT')
      assert.is((error as KaitianError).fields.option, option, (error as Error).message)
      continue
    }
    assert.unreachable(`${option}: ${String(value)} is taken`)
  }
}

test('A3 of asks: refused by a rejected promise, and nothing is sent', async () => {
  const system = createSystem()
  const desk = await system.spawn(Desk)
  await refuses((timeoutMs) => desk.ask.echo(1, { timeoutMs }), 'timeoutMs', durations)
  await refuses((signal) => desk.ask.echo(1, { signal }), 'signal', [5, {}, null, 'abort'])
  await refuses((trace) => desk.ask.echo(1, { trace }), 'trace', [5, {}, { traceparent: 5 }])
  await refuses((options) => desk.ask.echo(1, options), 'options', [5, null, 'soon'])
  await refuses((value) => desk.ask.echo(1, { timeout: value } as Anything), 'timeout', [5])
  assert.is((await system.accounts()).sent, 0)
  assert.is(await desk.ask.echo(1, { timeoutMs: Infinity }), 1)
  const { signal } = new AbortController()
  assert.is(await desk.ask.echo(1, { timeoutMs: 60_000, signal, trace: undefined as never }), 1)
  await system.dispose()
})

test('A3 of flows: refused by the first pull, and nothing is sent', async () => {
  const system = createSystem()
  const desk = await system.spawn(Desk)
  await refuses((credit) => desk.flow.list(1, { credit }).next(), 'credit', counts)
  await refuses((signal) => desk.flow.list(1, { signal }).next(), 'signal', [5, {}])
  await refuses(
    (value) => desk.flow.list(1, { timeoutMs: value } as Anything).next(),
    'timeoutMs',
    [5],
  )
  await refuses((options) => desk.flow.list(1, options).next(), 'options', [null, 5])
  const items = desk.flow.list(1, { credit: 0 })
  await rejection(items.next(), 'BAD_ARGUMENT')
  assert.equal(await items.next(), { done: true, value: undefined })
  assert.is((await system.accounts()).sent, 0)
  await system.dispose()
})

test('of tells: thrown, since they return no promise', async () => {
  const system = createSystem()
  const desk = await system.spawn(Desk)
  throws((trace) => desk.tell.note(1, { trace }), 'trace', [5, {}])
  throws((value) => desk.tell.note(1, { timeoutMs: value } as Anything), 'timeoutMs', [5])
  assert.is((await system.accounts()).sent, 0)
  await system.dispose()
})

test('of a message without a payload they come first, and are never taken for one', async () => {
  for (const make of [createSystem, () => testSystem({ seed: 1 })]) {
    const system = make()
    const on = make === createSystem ? 'inline' : { thread: new URL('file:///desk.js') }
    const desk = await system.spawn(Desk, undefined, { on })
    assert.is(await desk.ask.total(), 5)
    assert.is(await desk.ask.total({ timeoutMs: 60_000 }), 5)
    assert.is(await desk.ask.total(undefined, { timeoutMs: 60_000 }), 5)
    assert.is(desk.tell.bareNote({ trace: { traceparent: 'a' } }), 'queued')
    assert.equal(await desk.flow.bareList({ credit: 1 }).next(), { done: false, value: 2 })
    await refuses((timeoutMs) => desk.ask.total({ timeoutMs }), 'timeoutMs', durations)
    await refuses((value) => desk.ask.total({ from: value } as Anything), 'from', [1])
    await refuses((value) => desk.ask.total(value, {}), 'payload', [{}, { a: 1 }])
    await refuses((credit) => desk.flow.bareList({ credit }).next(), 'credit', counts)
    throws((value) => desk.tell.bareNote({ timeoutMs: value } as Anything), 'timeoutMs', [5])
    // With a payload, what looks like options is none.
    const likeOptions = { timeoutMs: 5 }
    assert.equal(await desk.ask.echo(likeOptions), likeOptions)
    await system.dispose()
  }
})

test('of spawn, for every placement', async () => {
  const system = createSystem()
  const group = system.supervise({ strategy: 'one-for-one', restart: { max: 1, withinMs: 1 } })
  for (const spawner of [system, group]) {
    for (const on of ['inline', { thread: new URL('file:///x.js') }] as const) {
      const spawn = (options: object): Promise<unknown> =>
        spawner.spawn(Desk, undefined, { on, ...options })
      const restart = { max: 1, withinMs: 1000 }
      await refuses((name) => spawn({ name }), 'name', ['', 'a/b', 5, null])
      await refuses((capacity) => spawn({ mailbox: { capacity } }), 'mailbox.capacity', counts)
      await refuses((overflow) => spawn({ mailbox: { overflow } }), 'mailbox.overflow', [
        'explode',
        5,
      ])
      await refuses((mailbox) => spawn({ mailbox }), 'mailbox', [5, null])
      for (const limit of ['timeoutMs', 'abortMs', 'exitMs']) {
        await refuses((ms) => spawn({ stop: { [limit]: ms } }), `stop.${limit}`, durations)
      }
      await refuses((max) => spawn({ restart: { ...restart, max } }), 'restart.max', [
        -1,
        1.5,
        Number.NaN,
        '1',
        null,
      ])
      await refuses(
        (withinMs) => spawn({ restart: { ...restart, withinMs } }),
        'restart.withinMs',
        [0, ...durations],
      )
      await refuses(
        (ms) => spawn({ restart: { ...restart, backoffMs: ms } }),
        'restart.backoffMs',
        [Infinity, ...durations],
      )
      await refuses(
        (ms) => spawn({ restart: { ...restart, maxBackoffMs: ms } }),
        'restart.maxBackoffMs',
        durations,
      )
      await refuses((value) => spawn({ restarts: value }), 'restarts', [restart])
      await refuses(
        (value) => spawn({ restart: { ...restart, backOffMs: value } }),
        'restart.backOffMs',
        [5],
      )
      await rejection(spawn({ restart: { max: 1 } }), 'BAD_ARGUMENT')
    }
    const places = ['thread', { thread: './x.js' }, {}, null, { thread: 1, process: 2 }]
    await refuses((on) => spawner.spawn(Desk, undefined, { on }), 'on', places)
    await refuses((options) => spawner.spawn(Desk, undefined, options), 'options', [null, 5])
    for (const actor of [undefined, {}, Date, () => 1]) {
      await rejection(spawner.spawn(actor as never), 'BAD_ARGUMENT')
    }
  }
  assert.equal(
    (await system.snapshot()).children.map(({ children }) => children),
    [[]],
  )
  await system.dispose()
})

test('of groups', async () => {
  const system = createSystem()
  const restart = { max: 1, withinMs: 1000 }
  const make = (options: object): unknown =>
    system.supervise({ strategy: 'one-for-one', restart, ...options } as never)
  throws((strategy) => make({ strategy }), 'strategy', ['all-for-one', 5, null])
  throws((max) => make({ restart: { max, withinMs: 1 } }), 'restart.max', [-1, Number.NaN])
  throws((name) => make({ name }), 'name', ['', 'a/b'])
  throws((value) => make({ limits: value }), 'limits', [5])
  throws((options) => system.supervise(options), 'options', [undefined, null, 5])
  await system.dispose()
})

test('of stop, kill, watch and dispose', async () => {
  const system = createSystem()
  const desk = await system.spawn(Desk)
  await refuses((timeoutMs) => system.stop(desk, { timeoutMs }), 'timeoutMs', durations)
  await refuses((drain) => system.stop(desk, { drain }), 'drain', [1, 'yes', null])
  await refuses((options) => system.stop(desk, options), 'options', [null, 5])
  await refuses((restart) => system.kill(desk, { restart }), 'restart', [1, 'yes', null])
  await refuses((value) => system.kill(desk, { timeoutMs: value } as Anything), 'timeoutMs', [5])
  for (const ref of [undefined, null, {}, 5, { path: 5 }]) {
    await rejection(system.stop(ref as never), 'BAD_ARGUMENT')
    await rejection(system.kill(ref as never), 'BAD_ARGUMENT')
    assert.throws(() => system.watch(ref as never, () => undefined), /is not a ref/)
  }
  throws((callback) => system.watch(desk, callback), 'the callback', [undefined, 5])
  await refuses((timeoutMs) => system.dispose({ timeoutMs }), 'timeoutMs', durations)
  assert.is(await desk.ask.echo(1), 1, 'nothing of it was done')
  await system.dispose({ timeoutMs: Infinity })
})

test('of a context', async () => {
  const seen: Context[] = []
  class Seen extends Desk {
    start(ctx: Context): void {
      seen.push(ctx)
    }
  }
  const system = createSystem()
  const ref = await system.spawn(Seen)
  const [ctx] = seen
  throws((ms) => ctx.every(ms, () => undefined), 'ms', [0, ...durations])
  throws((fn) => ctx.every(1, fn), 'fn', [undefined, 5])
  throws((fn) => ctx.after(1, fn), 'fn', [undefined, 5])
  assert.throws(() => ctx.after(Number.NaN, () => undefined), /NaN/)
  throws((resource) => ctx.own(resource), 'what is owned', [undefined, null, 5, {}])
  throws((callback) => ctx.watch(ref, callback), 'the callback', [undefined, 5])
  await refuses((timeoutMs) => ctx.stop(ref, { timeoutMs }), 'timeoutMs', durations)
  await refuses((restart) => ctx.kill(ref, { restart }), 'restart', [1])
  await refuses((name) => ctx.spawn(Desk, undefined, { name }), 'name', ['', 5])
  await system.dispose()
})

test('of systems, clocks, pools and facades', async () => {
  throws((name) => createSystem({ name }), 'name', ['', 'a/b', 5, null])
  throws((clock) => createSystem({ clock }), 'clock', [5, {}, null])
  throws((random) => createSystem({ random }), 'random', [5, {}, null])
  throws((value) => createSystem({ seed: value } as Anything), 'seed', [5])
  throws((start) => virtualClock(start), 'start', [Number.NaN, Infinity, '5'])
  const clock = virtualClock()
  await refuses((ms) => clock.advance(ms), 'ms', [Infinity, ...durations])
  await refuses((ms) => clock.sleep(ms), 'ms', [Number.NaN, '5', null])
  throws((ms) => clock.after(ms, () => undefined), 'ms', [Number.NaN, '5', null])
  const module = new URL('file:///x.js')
  throws((bad) => openPool({ module: bad }), 'module', ['./x.js', undefined])
  throws((threads) => openPool({ module, threads }), 'threads', counts)
  throws((maxQueue) => openPool({ module, maxQueue }), 'maxQueue', [-1, Number.NaN])
  await refuses((bad) => openFacade(bad), 'module', ['./x.js', undefined])
  await refuses((timeoutMs) => openFacade(module, { timeoutMs }), 'timeoutMs', durations)
  await refuses((bad) => openFacade(module, { clock: bad }), 'clock', [5, {}])
})

test('of the test kit', async () => {
  throws((seed) => testSystem({ seed }), 'seed', [undefined, Number.NaN, 1.5, '1'])
  throws((maxTurns) => testSystem({ seed: 1, maxTurns }), 'maxTurns', counts)
  const run = (): Promise<void> => Promise.resolve()
  const property = { seeds: 1, generate: () => [], run }
  await refuses((seeds) => overSeeds({ ...property, seeds }), 'seeds', [undefined, ...counts])
  await refuses((bad) => overSeeds({ ...property, run: bad }), 'run', [undefined, 5])
  await refuses((bad) => overSeeds({ ...property, generate: bad }), 'generate', [undefined, 5])
  await using system = testSystem({ seed: 1 })
  const desk = await system.spawn(Desk, undefined, { on: { thread: new URL('file:///x.js') } })
  const { faults } = system
  throws((ms) => faults.stall(desk, ms), 'ms', durations)
  throws((ms) => faults.delay(desk, ms), 'ms', durations)
  throws((count) => faults.dropNext(desk, count), 'count', [-1, 1.5, Number.NaN])
  throws((code) => faults.exit(desk, code), 'code', [Number.NaN, '1'])
  await refuses((ms) => system.advance(ms), 'ms', [Infinity, ...durations])
})

test('of declarations', () => {
  for (const bad of [5, {}, 'text', () => 1]) {
    for (const declare of [ask, tell, flow] as ((payload: unknown) => unknown)[]) {
      assert.throws(() => declare(bad), /declared by/)
    }
    assert.throws(() => ask(nothing, bad as never), /declared by/)
    assert.throws(() => protocol({ bad } as never), /is no message/)
  }
  assert.throws(() => ask(nothing, nothing as never), /declared by/)
  assert.throws(() => protocol({ bad: undefined } as never), /is no message/)
})

test.run()
