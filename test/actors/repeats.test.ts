import { createSystem, seededRandom } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ProbeActor } from './fixtures/probe.js'
import { placements, withSystem } from './support.js'

const test = suite('runs that repeat themselves')

for (const [where, on] of placements) {
  test(
    `A8 the same seed and path give the same numbers, ${where}`,
    withSystem(
      async (system) => {
        const probe = await system.spawn(ProbeActor, undefined, { on, name: 'a' })
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
}

test('A8 the same messages leave the same trace of events', async () => {
  const trace = async (): Promise<string[]> => {
    const events: string[] = []
    const system = createSystem()
    for (const name of ['spawned', 'failed', 'restarted', 'stopped', 'dead-letter'] as const) {
      system.events.on(name, (event: unknown) => events.push(`${name} ${JSON.stringify(event)}`))
    }
    const restart = { max: 2, withinMs: 60_000 }
    const spawn = (name: string) => system.spawn(ProbeActor, undefined, { name, restart })
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

test('an endless exchange of messages does not starve timers', async () => {
  const system = createSystem()
  const probe = await system.spawn(ProbeActor, undefined)
  const enough = new AbortController()
  const pingPong = (async () => {
    while (!enough.signal.aborted) await probe.ask.echo(1)
  })()
  await system.clock.sleep(1)
  enough.abort()
  await pingPong
  await system.dispose()
})

test.run()
