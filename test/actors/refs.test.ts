import { createSystem } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { threadId } from 'node:worker_threads'
import { ProbeActor } from './fixtures/probe.js'
import { downOf, eventually, nextEvent, probeModule, rejection, withSystem } from './support.js'

const test = suite('refs across threads')
const on = { thread: probeModule }

test(
  'a ref passed to a third thread reaches its actor over a port of their own',
  withSystem(async (system) => {
    const a = await system.spawn(ProbeActor, undefined, { on, name: 'a' })
    const b = await system.spawn(ProbeActor, undefined, { on, name: 'b' })
    assert.is(await a.ask.askOther({ other: b, value: 'via a' }), 'via a')
    const before = (await system.accounts()).sent
    // This thread does nothing but wait, so the messages do not pass through it.
    const sent = a.ask.tellOther({ other: b, from: 0, to: 300 })
    for (const end = performance.now() + 20; performance.now() < end;);
    await sent
    await eventually(async () => (await b.ask.notes()).length === 300)
    assert.equal(
      await b.ask.notes(),
      Array.from({ length: 300 }, (_, n) => n),
      'A2',
    )
    assert.ok((await system.accounts()).sent >= before + 301)
  }),
)

test(
  'refs travel in arrays and objects of arguments, messages and replies, and stay themselves',
  withSystem(async (system) => {
    const a = await system.spawn(ProbeActor, undefined, { on, name: 'a' })
    const here = await system.spawn(ProbeActor, undefined, { name: 'here' })
    const sent = { list: [a, { here }], count: 2, bytes: new Uint8Array([1, 2]) }
    const back = (await a.ask.echo(sent)) as typeof sent
    assert.is(back.list[0], a, 'the same object for the same actor')
    assert.is((back.list[1] as { here: unknown }).here, here)
    assert.equal(back.bytes, sent.bytes)
    assert.is(sent.list[0], a, 'the sender keeps its refs')
    assert.is(await a.ask.askOther({ other: here, value: 1 }), 1)
    const circle: { self?: unknown; a: unknown } = { a }
    circle.self = circle
    const round = (await a.ask.echo(circle)) as typeof circle
    assert.is(round.self, round, 'a cycle stays one')
    assert.is(round.a, a)
  }),
)

test(
  'an actor on a thread spawns children in its own thread and on new ones',
  withSystem(async (system) => {
    const a = await system.spawn(ProbeActor, undefined, { on, name: 'a' })
    const inline = await a.ask.beget({ name: 'inline', on: 'inline' })
    const other = await a.ask.beget({ name: 'other', on: probeModule.href })
    assert.is(inline.path, 'system/a/inline')
    const threads = [threadId, await a.ask.thread(), await other.ask.thread()]
    assert.is(new Set(threads).size, 3)
    assert.is(await inline.ask.thread(), threads[1])
    const here = await system.spawn(ProbeActor, undefined, { name: 'here' })
    const deep = await a.ask.beget({ name: 'deep', on: probeModule.href })
    assert.is(await deep.ask.echo(here), here)
    await inline.ask.fault().catch(() => undefined)
    assert.is(await a.ask.echo(1), 1, 'one-for-one: the child alone has failed')
  }),
)

test(
  'shared memory is shared, not copied',
  withSystem(async (system) => {
    const a = await system.spawn(ProbeActor, undefined, { on })
    const cells = new Int32Array(new SharedArrayBuffer(4))
    const back = (await a.ask.echo(cells)) as Int32Array
    Atomics.store(cells, 0, 42)
    assert.is(back[0], 42)
  }),
)

test(
  'a third thread hears of a stop, of a kill, of an exit and of a failure',
  withSystem(async (system) => {
    const watcher = await system.spawn(ProbeActor, undefined, { on, name: 'watcher' })
    const spawn = (name: string) => system.spawn(ProbeActor, undefined, { on, name })
    const targets = await Promise.all(['stop', 'kill', 'exit', 'fault', 'parent'].map(spawn))
    const [stop, kill, exit, fault, parent] = targets
    const child = await parent.ask.beget({ name: 'child', on: 'inline' })
    for (const target of [...targets, child]) await watcher.ask.watchOther(target)
    await system.stop(stop)
    await system.kill(kill)
    await rejection(exit.ask.exit(1), 'THREAD_EXITED')
    await rejection(fault.ask.fault(), 'ACTOR_FAILED')
    await system.stop(child)
    // The news of a kill may overtake what its thread had posted before.
    await eventually(async () => (await watcher.ask.downs()).some((down) => /child/.test(down)))
    await system.kill(parent)
    await eventually(async () => (await watcher.ask.downs()).length === 6)
    assert.equal((await watcher.ask.downs()).toSorted(), [
      'system/exit exited',
      'system/fault failed',
      'system/kill killed',
      'system/parent killed',
      'system/parent/child stopped',
      'system/stop stopped',
    ])
    await watcher.ask.watchOther(exit)
    await eventually(async () => (await watcher.ask.downs()).length === 7)
  }),
)

test(
  'a third thread reaches an actor again whose thread was restarted',
  withSystem(async (system) => {
    const restart = { max: 5, withinMs: 60_000 }
    const a = await system.spawn(ProbeActor, undefined, { on, name: 'a' })
    const b = await system.spawn(ProbeActor, undefined, { on, name: 'b', restart })
    assert.is(await a.ask.askOther({ other: b, value: 1 }), 1)
    const restarted = nextEvent(system, 'restarted')
    await rejection(b.ask.exit(1), 'THREAD_EXITED')
    await restarted
    // a learns of the restart by a notice that may come after this ask.
    await eventually(async () => {
      const value = await a.ask.askOther({ other: b, value: 2 }).catch(() => 0)
      return value === 2
    })
    await system.stop(b)
    await eventually(async () => {
      const code = await a.ask
        .askOther({ other: b, value: 3 })
        .catch((error: { code: string }) => error.code)
      return code === 'ACTOR_STOPPED'
    })
  }),
)

test(
  'orders work from a thread that did not start the actor, and reach below a dead one',
  withSystem(async (system) => {
    const parent = await system.spawn(ProbeActor, undefined, { on, name: 'parent' })
    const child = await parent.ask.beget({ name: 'child', on: probeModule.href })
    await system.stop(child)
    await rejection(child.ask.echo(1), 'ACTOR_STOPPED')
    const second = await parent.ask.beget({ name: 'second', on: probeModule.href })
    const down = downOf(system, second)
    await system.kill(parent)
    assert.is((await down).reason, 'killed')
    await rejection(second.ask.echo(1), 'THREAD_EXITED')
  }),
)

test(
  'a ref of another system is refused',
  withSystem(async (system) => {
    const other = createSystem()
    const foreign = await other.spawn(ProbeActor, undefined)
    const a = await system.spawn(ProbeActor, undefined, { on })
    await rejection(a.ask.echo(foreign), 'MESSAGE_NOT_CLONEABLE')
    await rejection(system.stop(foreign), 'BAD_ARGUMENT')
    await other.dispose()
  }),
)

test.run()
