import { createSystem, seededRandom } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ProbeActor } from './fixtures/probe.js'
import { Gate, SharedLog } from './fixtures/shared-log.js'
import { downOf, placements, probeModule, rejection, withSystem } from './support.js'

for (const [where, on] of placements) {
  const test = suite(`lifecycle, ${where}`)

  test('actors stop in reverse start order, children before their parent', async () => {
    const system = createSystem()
    const log = new SharedLog()
    const args = (mark: number) => ({ log: log.cells, mark })
    const a = await system.spawn(ProbeActor, args(10), { on, name: 'a' })
    await a.ask.beget({ name: 'c', on: 'inline', args: args(20) })
    await a.ask.beget({ name: 'd', on: probeModule.href, args: args(30) })
    await system.spawn(ProbeActor, args(40), { on, name: 'b' })
    await system.dispose()
    assert.equal(log.entries().slice(0, 4), [10, 20, 30, 40])
    assert.equal(log.entries().slice(4), [41, 42, 43, 31, 32, 33, 21, 22, 23, 11, 12, 13])
  })

  test('A7 after dispose no handle, timer, port or thread remains', async () => {
    const before = handles()
    const system = createSystem()
    const a = await system.spawn(ProbeActor, {}, { on, name: 'a' })
    const b = await system.spawn(ProbeActor, {}, { on, name: 'b' })
    await a.ask.beget({ name: 'child', on: probeModule.href })
    await a.ask.askOther({ other: b, value: 1 })
    await a.ask.echo(1, { timeoutMs: 60_000, signal: new AbortController().signal })
    const gate = new Gate()
    const killed = await system.spawn(ProbeActor, {}, { on, name: 'killed' })
    const lost = killed.ask.hold(gate.cells, { timeoutMs: 60_000 }).catch(() => undefined)
    await gate.arrived()
    await system.kill(killed)
    await lost
    gate.open()
    await system.dispose()
    assert.equal(handles(), before)
  })

  test(
    'names are unique among siblings while they live',
    withSystem(async (system) => {
      const first = await system.spawn(ProbeActor, {}, { on, name: 'a' })
      assert.is(first.path, 'system/a')
      await rejection(system.spawn(ProbeActor, {}, { on, name: 'a' }), 'BAD_ARGUMENT')
      await rejection(system.spawn(ProbeActor, {}, { on, name: 'a/b' }), 'BAD_ARGUMENT')
      await system.stop(first)
      assert.is((await system.spawn(ProbeActor, {}, { on, name: 'a' })).path, 'system/a')
    }),
  )

  test('a disposed system takes no more actors, and its refs reject', async () => {
    const system = createSystem({ name: 'other' })
    const probe = await system.spawn(ProbeActor, {}, { on, name: 'a' })
    assert.is(probe.path, 'other/a')
    const down = downOf(system, probe)
    await system.dispose()
    await system.dispose()
    assert.is((await down).reason, 'stopped')
    await rejection(probe.ask.echo(1), 'ACTOR_STOPPED')
    await rejection(system.spawn(ProbeActor, {}), 'SYSTEM_STOPPED')
  })

  test(
    'a watch of one that is gone already calls back, and unwatch keeps it quiet',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on })
      const calls: string[] = []
      const unwatch = system.watch(probe, () => calls.push('unwatched'))
      system.watch(probe, () => calls.push('watched'))
      unwatch()
      await system.stop(probe)
      assert.equal(calls, ['watched'])
      assert.is((await downOf(system, probe)).reason, 'stopped')
    }),
  )

  test(
    'A8 the same seed and path give the same numbers, wherever the actor is',
    withSystem(
      async (system) => {
        const probe = await system.spawn(ProbeActor, {}, { on, name: 'a' })
        const random = seededRandom('run', 7).fork('system/a').fork(0)
        assert.equal(await probe.ask.draws(), [
          random.next(),
          random.integer(1000),
          random.normal(),
        ])
      },
      () => createSystem({ random: seededRandom('run', 7) }),
    ),
  )

  test.run()
}

const inline = suite('lifecycle of inline actors')

inline('A8 the same messages leave the same trace of events', async () => {
  const trace = async (): Promise<string[]> => {
    const events: string[] = []
    const system = createSystem()
    for (const name of ['spawned', 'failed', 'restarted', 'stopped', 'dead-letter'] as const) {
      system.events.on(name, (event: unknown) => events.push(`${name} ${JSON.stringify(event)}`))
    }
    const restart = { max: 2, withinMs: 60_000 }
    const spawn = (name: string) => system.spawn(ProbeActor, {}, { name, restart })
    const [a, b] = await Promise.all([spawn('a'), spawn('b')])
    const random = seededRandom('trace')
    for (let i = 0; i < 50; i++) {
      const target = random.next() < 0.5 ? a : b
      if (random.next() < 0.1) target.tell.faultTell()
      else target.tell.note(i)
      if (random.next() < 0.2) await b.ask.overlap().catch(() => undefined)
    }
    await system.dispose()
    return events
  }
  const first = await trace()
  assert.ok(first.some((event) => event.startsWith('restarted')))
  assert.equal(await trace(), first)
})

inline('an endless exchange of messages does not starve timers', async () => {
  const system = createSystem()
  const probe = await system.spawn(ProbeActor, {})
  const enough = new AbortController()
  const pingPong = (async () => {
    while (!enough.signal.aborted) await probe.ask.echo(1)
  })()
  await system.clock.sleep(1)
  enough.abort()
  await pingPong
  await system.dispose()
})

inline.run()

/** Open handles but for the output's: kinds of it come and go with what is printed. */
function handles(): string[] {
  const output = ['PipeWrap', 'TTYWrap', 'FSReqCallback', 'WriteWrap']
  return process
    .getActiveResourcesInfo()
    .filter((kind) => !output.includes(kind))
    .toSorted()
}
