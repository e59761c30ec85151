import { ask, protocol, type ActorClass } from '@kaitian/actors'
import { pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Gate } from './fixtures/shared-log.js'
import { ProbeActor } from './fixtures/probe.js'
import { nextEvent, placements, probeModule, rejection, withSystem } from './support.js'

for (const [where, on] of placements) {
  const test = suite(`asks, ${where}`)

  test(
    'a KaitianError thrown by a handler is the answer, whole, and the actor goes on',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on })
      const error = await rejection(probe.ask.refuse(), 'BAD_TASK')
      assert.equal(error.fields, { limit: 3 })
      assert.is((error.cause as Error).name, 'RangeError')
      assert.is((error.cause as Error).message, 'too far')
      assert.is(await probe.ask.echo(1), 1)
    }),
  )

  test(
    'any other error fails the actor, and the asker is told what it was',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on, name: 'p' })
      const error = await rejection(probe.ask.fault(), 'ACTOR_FAILED')
      assert.match(error.message, 'system/p failed in "fault": a bug')
      assert.is((error.cause as Error).name, 'TypeError')
      await rejection(probe.ask.echo(1), 'ACTOR_STOPPED')
    }),
  )

  test(
    'A3 asks settle when the actor is killed, the one in hand and those that wait',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on })
      const gate = new Gate()
      const code = on === 'inline' ? 'ACTOR_STOPPED' : 'THREAD_EXITED'
      const lost = [probe.ask.hold(gate.cells), probe.ask.echo(1)].map((pending) =>
        rejection(pending, code),
      )
      await gate.arrived()
      await system.kill(probe)
      await Promise.all(lost)
      await rejection(probe.ask.echo(1), code)
      gate.open()
    }),
  )

  test(
    'A3 an ask that its asker gave up on settles once, at once',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on })
      const gate = new Gate()
      const abort = new AbortController()
      const timed = rejection(probe.ask.hold(gate.cells, { timeoutMs: 5 }), 'ASK_TIMEOUT')
      const aborted = rejection(
        probe.ask.echo(1, { signal: abort.signal, timeoutMs: 60_000 }),
        'ASK_ABORTED',
      )
      abort.abort(new Error('enough'))
      assert.is(((await aborted).cause as Error).message, 'enough')
      assert.equal((await timed).fields.timeoutMs, 5)
      await rejection(probe.ask.echo(1, { signal: abort.signal }), 'ASK_ABORTED')
      const letter = nextEvent(system, 'dead-letter')
      gate.open()
      assert.is(await probe.ask.echo(2), 2)
      const unhandled = { to: probe.path, kind: 'ask', message: 'echo', reason: 'aborted' }
      assert.equal(await letter, unhandled, 'what waited and nobody waits for is not handled')
    }),
  )

  test(
    'a message that the actor does not have is refused by name',
    withSystem(async (system) => {
      // The sender's class is newer than the one that the thread's module exports, or than its
      // own methods.
      const newer = protocol({ ...ProbeActor.protocol, later: ask() })
      const Newer = class extends ProbeActor {} as unknown as ActorClass<typeof newer, object>
      Object.defineProperties(Newer, {
        name: { value: 'ProbeActor' },
        protocol: { value: newer },
      })
      const probe = await system.spawn(Newer, {}, { on })
      await rejection(probe.ask.later(), 'UNKNOWN_MESSAGE')
      assert.is(await probe.ask.echo(1), 1)
    }),
  )

  test(
    'a ref has the messages of its protocol and nothing else',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on })
      const asks = probe.ask as unknown as Record<string, unknown>
      for (const name of ['then', 'constructor', '__proto__', 'faultTell']) {
        assert.is(asks[name], undefined, name)
      }
    }),
  )

  test.run()
}

const threads = suite('asks, to a thread')
const on = { thread: probeModule }

threads(
  'A3 asks settle when the thread exits in mid-ask',
  withSystem(async (system) => {
    const probe = await system.spawn(ProbeActor, {}, { on })
    const asks = [probe.ask.exit(3), probe.ask.echo(1)]
    for (const pending of asks) await rejection(pending, 'THREAD_EXITED')
  }),
)

threads(
  'A3 asks settle when an error outside any handler ends the thread, and the host lives',
  withSystem(async (system) => {
    const probe = await system.spawn(ProbeActor, {}, { on })
    const error = new Promise<Error>((resolve) =>
      system.watch(probe, (down) => resolve(down.error as Error)),
    )
    await rejection(probe.ask.crash(), 'THREAD_EXITED')
    assert.match((await error).message, 'outside any handler')
    assert.is(((await error).cause as Error).name, 'RangeError')
  }),
)

threads(
  'what cannot be cloned rejects its own ask alone, on the way there and back',
  withSystem(async (system) => {
    const probe = await system.spawn(ProbeActor, {}, { on })
    const before = probe.ask.echo('before')
    const there = rejection(
      probe.ask.echo(() => 1),
      'MESSAGE_NOT_CLONEABLE',
    )
    const after = probe.ask.echo('after')
    assert.is(await before, 'before')
    assert.is(await after, 'after')
    assert.match(String((await there).cause), 'DataCloneError')
    await rejection(probe.ask.uncloneable(), 'MESSAGE_NOT_CLONEABLE')
    assert.is(await probe.ask.echo('still there'), 'still there')
  }),
)

threads(
  'a detached buffer is refused',
  withSystem(async (system) => {
    const probe = await system.spawn(ProbeActor, {}, { on })
    const bytes = new Uint8Array(8)
    structuredClone(bytes, { transfer: [bytes.buffer] })
    await rejection(probe.ask.echo(bytes), 'MESSAGE_NOT_CLONEABLE')
  }),
)

threads(
  'A3 a kill settles asks at once, though native code holds up the end of the thread',
  withSystem(async (system) => {
    const probe = await system.spawn(ProbeActor, {}, { on })
    const gate = new Gate()
    const rounds = 1_000_000
    const order: string[] = []
    const lost = rejection(
      probe.ask.block({ cells: gate.cells, rounds: 4 * rounds }),
      'THREAD_EXITED',
    )
    await gate.arrived()
    const killed = system.kill(probe)
    // A quarter of what the thread does: it ends long before the thread can.
    const quarter = promisify(pbkdf2)('a', 'b', rounds, 64, 'sha512')
    await Promise.all([lost.then(() => order.push('lost')), quarter.then(() => order.push('work'))])
    assert.equal(order, ['lost', 'work'])
    await killed
  }),
)

threads.run()
