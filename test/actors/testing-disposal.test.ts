import { ask, protocol, tell, type Context, type SpawnOptions } from '@kaitian/actors'
import { testSystem, type TestSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { onThread } from './fixtures/tally.js'
import { outcomeOf } from './simulated.js'
import { rejection } from './support.js'

const test = suite('testing, disposal')

const StuckProtocol = protocol({ hang: ask() })

/** Never answers. */
class Stuck {
  static readonly protocol = StuckProtocol

  hang() {
    return new Promise<void>(() => undefined)
  }
}

/** Its stop waits for a limit, which is on the clock. */
async function useStuck(
  system: TestSystem,
  options: SpawnOptions = {},
): Promise<{ code?: string }> {
  const stuck = await system.spawn(Stuck, undefined, options)
  const asked = outcomeOf(stuck.ask.hang())
  await system.settle()
  return asked
}

test('A7 at the end of its scope a test system is disposed of, though nobody moves its clock', async () => {
  let kept: TestSystem | undefined
  const asked: { code?: string }[] = []
  {
    await using system = testSystem({ seed: 1 })
    kept = system
    asked.push(await useStuck(system), await useStuck(system, onThread))
  }
  assert.is(kept.clock.pending, 0)
  assert.equal(asked, [{ code: 'ACTOR_STOPPED' }, { code: 'THREAD_EXITED' }])
  await rejection(kept.spawn(Stuck, undefined), 'SYSTEM_STOPPED')
})

test('what failed in its scope is what is thrown', async () => {
  const failing = async (): Promise<void> => {
    await using system = testSystem({ seed: 1 })
    await useStuck(system)
    throw new RangeError('the test has failed')
  }
  const error: unknown = await failing().catch((reason: unknown) => reason)
  assert.instance(error, RangeError)
})

test('A7 at the end of its scope it names what is quarantined', async () => {
  const using = async (): Promise<void> => {
    await using system = testSystem({ seed: 1 })
    const stuck = await system.spawn(Stuck, undefined, onThread)
    stuck.ask.hang().catch(() => undefined)
    await system.settle()
    system.faults.hang(stuck)
  }
  const error = await rejection(using(), 'ACTOR_QUARANTINED')
  assert.equal(error.fields.paths, ['test/Stuck-1'])
})

test('a stop without a limit that never ends is told of, not waited for', async () => {
  const using = async (): Promise<void> => {
    await using system = testSystem({ seed: 1 })
    await useStuck(system, { stop: { timeoutMs: Infinity } })
  }
  const error = await rejection(using(), 'BAD_ARGUMENT')
  assert.match(error.message, 'test waits for actors that do not stop')
})

test('dispose itself leaves the clock to the test', async () => {
  const system = testSystem({ seed: 1 })
  await useStuck(system)
  const disposed = outcomeOf(system.dispose({ timeoutMs: 70 }).then(() => system.clock.now()))
  await system.settle()
  assert.equal(disposed, {})
  await system.advance(70)
  assert.is(disposed.value, 70)
})

const HolderProtocol = protocol({ linger: tell() })

/** Owns what is never disposed of, and sets timers when all is over. */
class Holder {
  static readonly protocol = HolderProtocol
  readonly #failed: string[]

  constructor({ failed }: { failed: string[] }) {
    this.#failed = failed
  }

  start(ctx: Context) {
    ctx.own({ dispose: () => new Promise<void>(() => undefined) })
  }

  async linger(_: void, ctx: Context) {
    await ctx.clock.sleep(5000)
    try {
      ctx.after(1, () => this.#failed.push('a timer after the end'))()
      ctx.every(1, () => this.#failed.push('timers after the end'))()
    } catch (error) {
      this.#failed.push(String(error))
    }
  }
}

/** By a stop first, whose limits end before those of the kill do. */
for (const restart of [false, true]) {
  test(`A3 a kill${restart ? ' with restart' : ''} that the end of the system overtakes is settled`, async () => {
    const system = testSystem({ seed: 1 })
    const options: SpawnOptions = restart ? { restart: { max: 1, withinMs: 1000 } } : {}
    const holder = await system.spawn(Holder, { failed: [] }, options)
    if (!restart) void system.stop(holder, { timeoutMs: 20 })
    await system.advance(50)
    const killed = outcomeOf(system.kill(holder, { restart }).then(() => 'settled'))
    await system.settle()
    void system.dispose({ timeoutMs: 2 })
    await system.advance(10_000)
    assert.is(killed.value, 'settled')
  })
}

test('whoever outlives the system may set timers, which never fire', async () => {
  const failed: string[] = []
  const system = testSystem({ seed: 1 })
  const holder = await system.spawn(Holder, { failed })
  holder.tell.linger()
  await system.settle()
  void system.dispose({ timeoutMs: 2 })
  await system.advance(10_000)
  assert.equal(failed, [])
})

test.run()
