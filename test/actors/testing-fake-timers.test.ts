import { execFile } from 'node:child_process'
import { mock } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ask, nothing, protocol, type Context } from '@kaitian/actors'
import { overSeeds, testSystem } from '@kaitian/actors/testing'
import { install, type Clock as FakeClock } from '@sinonjs/fake-timers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from './support.js'

const test = suite('testing beside fake timers')

const SleeperProtocol = protocol({
  sleep: ask<number>(nothing),
  /** By the platform's timers, which a test had better not leave to chance. */
  sleepFor: ask<number, string>(),
})

class Sleeper {
  static readonly protocol = SleeperProtocol
  async sleep(_: void, ctx: Context): Promise<number> {
    await ctx.clock.sleep(1000)
    return ctx.clock.now()
  }
  async sleepFor(ms: number): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return 'woken'
  }
}

const onThread = { on: { thread: new URL('file:///sleeper.js') } }

/** Puts fake timers in place of the platform's, all that it can; gives what moves and removes them. */
const fakes: Record<string, () => { tick: (ms: number) => void; remove: () => void }> = {
  'node:test': () => {
    mock.timers.enable()
    return { tick: (ms) => mock.timers.tick(ms), remove: () => mock.timers.reset() }
  },
  sinon: () => {
    const clock: FakeClock = install()
    return { tick: (ms) => void clock.tick(ms), remove: () => clock.uninstall() }
  },
}

for (const [name, fake] of Object.entries(fakes)) {
  const withFake = (body: (tick: (ms: number) => void) => Promise<void>) => async () => {
    const { tick, remove } = fake()
    try {
      await body(tick)
    } finally {
      remove()
    }
  }

  test(
    `a test system goes on beside those of ${name}`,
    withFake(async () => {
      await using system = testSystem({ seed: 1 })
      const sleeper = await system.spawn(Sleeper, undefined, onThread)
      const slept = sleeper.ask.sleep({ timeoutMs: 5000 })
      await system.advance(1000)
      assert.is(await slept, 1000)
      await rejection(
        Promise.all([sleeper.ask.sleep({ timeoutMs: 5 }), system.advance(5)]),
        'ASK_TIMEOUT',
      )
    }),
  )

  test(
    `so does a run over seeds, also one that moves those of ${name}`,
    withFake(async (tick) => {
      await overSeeds({
        seeds: 3,
        generate: () => [],
        async run(system) {
          const sleeper = await system.spawn(Sleeper, undefined, onThread)
          const slept = sleeper.ask.sleep()
          await system.advance(1000)
          assert.is(await slept, 1000)
          const woken = sleeper.ask.sleepFor(50)
          await system.settle()
          tick(50)
          assert.is(await woken, 'woken')
        },
      })
    }),
  )

  test(
    `a run that waits for those of ${name} is told so`,
    withFake(async () => {
      const error = await rejection(
        overSeeds({
          seeds: 1,
          generate: () => [],
          async run(system) {
            const sleeper = await system.spawn(Sleeper, undefined, onThread)
            await sleeper.ask.sleepFor(1)
          },
        }),
        'INTERNAL',
      )
      assert.match(error.message, 'the timers of the platform are fake just now')
      assert.match(error.message, '"sleepFor" in hand')
    }),
  )

  test(`those of ${name} that were there before the kit are told of`, async () => {
    const program = fileURLToPath(new URL('programs/late-import.js', import.meta.url))
    const kind = name === 'sinon' ? 'sinon' : 'node'
    const { stdout } = await promisify(execFile)(process.execPath, [program, kind])
    assert.match(stdout, 'setImmediate was replaced by a fake before @kaitian/actors was loaded')
  })
}

test.run()
