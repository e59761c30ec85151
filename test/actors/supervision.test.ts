import { createSystem, virtualClock } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ProbeActor } from './fixtures/probe.js'
import { Gate, SharedLog } from './fixtures/shared-log.js'
import {
  downOf,
  eventually,
  nextEvent,
  placements,
  probeModule,
  rejection,
  withSystem,
} from './support.js'

const often = { max: 100, withinMs: 60_000 }

for (const [where, on] of placements) {
  const test = suite(`supervision, ${where}`)

  test(
    'without a declared restart the first failure stops the actor',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on })
      const down = downOf(system, probe)
      await rejection(probe.ask.fault(), 'ACTOR_FAILED')
      assert.is((await down).reason, 'failed')
      assert.match(String((await down).error?.message), 'a bug')
    }),
  )

  test(
    'a ref survives a restart; what comes meanwhile is refused as restarting',
    withSystem(async (system) => {
      const lives = new Int32Array(new SharedArrayBuffer(4))
      const probe = await system.spawn(
        ProbeActor,
        { lives, noteAtStart: 7 },
        { on, restart: often },
      )
      probe.tell.note(1)
      const restarted = nextEvent(system, 'restarted')
      const fault = rejection(probe.ask.fault(), 'ACTOR_FAILED')
      const behind = rejection(probe.ask.echo(1), 'ACTOR_RESTARTING')
      await fault
      await behind
      await restarted
      assert.equal(await probe.ask.notes(), [7], 'a new life, which may message itself in start')
      assert.is(lives[0], 2)
    }),
  )

  test(
    'a tell that throws fails the actor too',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on, restart: often })
      const failed = nextEvent(system, 'failed')
      const restarted = nextEvent(system, 'restarted')
      probe.tell.faultTell()
      assert.match(((await failed) as { error: Error }).error.message, 'nobody to refuse')
      assert.equal(await restarted, { path: probe.path, restarts: 1 })
      assert.is(await probe.ask.echo(1), 1)
    }),
  )

  test(
    'more restarts than declared end it as failed',
    withSystem(async (system) => {
      const restart = { max: 2, withinMs: 60_000 }
      const probe = await system.spawn(ProbeActor, {}, { on, restart })
      const down = downOf(system, probe)
      for (let i = 0; i < 2; i++) {
        const restarted = nextEvent(system, 'restarted')
        await rejection(probe.ask.fault(), 'ACTOR_FAILED')
        await restarted
      }
      await rejection(probe.ask.fault(), 'ACTOR_FAILED')
      assert.is((await down).reason, 'failed')
      await rejection(probe.ask.echo(1), 'ACTOR_STOPPED')
    }),
  )

  test(
    'A5 a new incarnation starts after the old one has disposed of what it owned, in LIFO order',
    withSystem(async (system) => {
      const log = new SharedLog()
      const probe = await system.spawn(
        ProbeActor,
        { log: log.cells, mark: 10 },
        { on, restart: often },
      )
      const restarted = nextEvent(system, 'restarted')
      await rejection(probe.ask.fault(), 'ACTOR_FAILED')
      await restarted
      assert.equal(log.entries(), [10, 12, 13, 10], 'start, both resources, start; no stop')
      await system.stop(probe)
      assert.equal(log.entries().slice(4), [11, 12, 13], 'stop, then both resources')
    }),
  )

  test(
    'a failing constructor or start refuses the spawn and leaves nothing behind',
    withSystem(async (system) => {
      for (const failIn of ['constructor', 'start'] as const) {
        const log = new SharedLog()
        const spawned = system.spawn(ProbeActor, { failIn, log: log.cells }, { on, name: 'p' })
        const error = await rejection(spawned, 'SPAWN_FAILED')
        assert.match(error.message, `failed in ${failIn}`)
        assert.is((error.cause as Error).name, 'RangeError')
        assert.equal(log.entries(), failIn === 'start' ? [0, 2, 3] : [])
      }
    }),
  )

  test(
    'a start that fails in a restart counts as one more failure',
    withSystem(async (system) => {
      const lives = new Int32Array(new SharedArrayBuffer(4))
      const restart = { max: 3, withinMs: 60_000 }
      const args = { lives, failIn: 'start', failFrom: 2 } as const
      const probe = await system.spawn(ProbeActor, args, { on, restart })
      const down = downOf(system, probe)
      await rejection(probe.ask.fault(), 'ACTOR_FAILED')
      assert.is((await down).error?.name, 'KaitianError')
      assert.is(lives[0], 4, 'the first life and three restarts')
    }),
  )

  test(
    'a kill is final, unless it is to count as a failure',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on, restart: often })
      const down = downOf(system, probe)
      const restarted = nextEvent(system, 'restarted')
      await system.kill(probe, { restart: true })
      await restarted
      assert.is(await probe.ask.echo(1), 1)
      await system.kill(probe)
      assert.is((await down).reason, 'killed')
    }),
  )

  test.run()
}

const threads = suite('supervision of a thread')
const on = { thread: probeModule }

threads(
  'a thread that dies is started again, and the ref reaches the new one',
  withSystem(async (system) => {
    const probe = await system.spawn(ProbeActor, {}, { on, restart: often })
    const first = await probe.ask.thread()
    const restarted = nextEvent(system, 'restarted')
    await rejection(probe.ask.exit(1), 'THREAD_EXITED')
    await restarted
    assert.is.not(await probe.ask.thread(), first)
  }),
)

threads(
  'an import error is carried by the spawn',
  withSystem(async (system) => {
    const missing = new URL('./fixtures/missing.js', import.meta.url)
    const error = await rejection(
      system.spawn(ProbeActor, {}, { on: { thread: missing } }),
      'SPAWN_FAILED',
    )
    assert.match(error.message, 'missing.js')
    class Absent extends ProbeActor {}
    const absent = await rejection(system.spawn(Absent, {}, { on }), 'SPAWN_FAILED')
    assert.match(absent.message, 'does not export the class Absent')
  }),
)

threads(
  'arguments that cannot be cloned refuse the spawn',
  withSystem(async (system) => {
    const args = { mark: (() => 1) as unknown as number }
    await rejection(system.spawn(ProbeActor, args, { on }), 'SPAWN_FAILED')
    assert.is(await (await system.spawn(ProbeActor, {}, { on })).ask.echo(1), 1)
  }),
)

threads.run()

const timed = suite('supervision in virtual time')

timed('the back-off doubles, and both it and the limit start anew after the window', async () => {
  const clock = virtualClock()
  await withSystem(
    async (system) => {
      const restarts: number[] = []
      system.events.on('restarted', () => restarts.push(clock.now()))
      const restart = { max: 3, withinMs: 1000, backoffMs: 100 }
      const probe = await system.spawn(ProbeActor, {}, { restart })
      const fail = async (): Promise<void> => {
        await rejection(probe.ask.fault(), 'ACTOR_FAILED')
        await rejection(probe.ask.echo(1), 'ACTOR_RESTARTING')
        await clock.advanceToNext()
      }
      await fail()
      await fail()
      await fail()
      assert.equal(restarts, [100, 300, 700], 'waits of 100, 200 and 400 ms')
      await clock.advance(1000)
      await fail()
      assert.equal(restarts.slice(3), [1800])
    },
    () => createSystem({ clock }),
  )()
})

timed('a stop during the back-off ends it; no timer is left', async () => {
  const clock = virtualClock()
  await withSystem(
    async (system) => {
      const restart = { max: 3, withinMs: 1000, backoffMs: 100 }
      const probe = await system.spawn(ProbeActor, {}, { restart })
      const down = downOf(system, probe)
      await rejection(probe.ask.fault(), 'ACTOR_FAILED')
      await eventually(() => clock.pending === 1)
      await system.stop(probe)
      assert.is((await down).reason, 'stopped')
      await eventually(() => clock.pending === 0)
    },
    () => createSystem({ clock }),
  )()
})

timed('a stop that takes too long becomes a kill', async () => {
  const clock = virtualClock()
  await withSystem(
    async (system) => {
      const probe = await system.spawn(ProbeActor, {})
      const down = downOf(system, probe)
      const gate = new Gate()
      const held = rejection(probe.ask.hold(gate.cells), 'ACTOR_STOPPED')
      await gate.arrived()
      const stopped = system.stop(probe, { timeoutMs: 50 })
      await clock.advance(50)
      await stopped
      assert.is((await down).reason, 'killed')
      await held
      gate.open()
    },
    () => createSystem({ clock }),
  )()
})

timed.run()
