import { protocol, tell, type Context } from '@kaitian/actors'
import { testSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { onThread, Tally } from './fixtures/tally.js'
import { outcomeOf, simulated } from './simulated.js'
import { rejection } from './support.js'

const test = suite('testing, time')

const LoopProtocol = protocol({ turn: tell<number>() })

/** Sends itself so many messages. */
class Loop {
  static readonly protocol = LoopProtocol

  turn(left: number, ctx: Context<typeof LoopProtocol>) {
    if (left > 1) ctx.self.tell.turn(left - 1)
  }
}

const TickProtocol = protocol({ go: tell() })

/** Writes down when its timers call. */
class Ticker {
  static readonly protocol = TickProtocol
  readonly #at: number[]

  constructor(at: number[]) {
    this.#at = at
  }

  go(_payload: void, ctx: Context<typeof TickProtocol>) {
    ctx.every(10, () => this.#at.push(ctx.clock.now()))
    ctx.after(25, () => this.#at.push(ctx.clock.now()))
  }
}

for (const [where, on] of [
  ['inline', {}],
  ['on a simulated thread', onThread],
] as const) {
  test(
    `an actor ${where} sleeps on virtual time, which only advance moves`,
    simulated(async (system) => {
      const tally = await system.spawn(Tally, undefined, on)
      const waited = outcomeOf(tally.ask.wait(86_400_000))
      await system.advance(86_399_999)
      assert.equal(waited, {})
      await system.settle()
      assert.is(system.clock.now(), 86_399_999)
      await system.advance(1)
      assert.equal(waited, { value: 86_400_000 })
      assert.is(system.clock.wallTime().toISOString(), '1970-01-02T00:00:00.000Z')
    }),
  )

  test(
    `A3 an ask to an actor ${where} times out in virtual time`,
    simulated(async (system) => {
      const tally = await system.spawn(Tally, undefined, on)
      const asked = outcomeOf(tally.ask.wait(100, { timeoutMs: 50 }))
      await system.advance(49)
      assert.equal(asked, {})
      await system.advance(1)
      assert.equal(asked, { code: 'ASK_TIMEOUT' })
    }),
  )
}

test(
  'an advance stops at each timer on its way',
  simulated(async (system) => {
    const at: number[] = []
    const ticker = await system.spawn(Ticker, at)
    ticker.tell.go()
    await system.advance(35)
    assert.equal(at, [10, 20, 25, 30])
    assert.is(system.clock.now(), 35)
    assert.ok(await system.clock.advanceToNext())
    await system.settle()
    assert.equal(at.at(-1), 40)
  }),
)

test(
  'settle lets all happen that needs no time, over any number of hops, and moves no clock',
  simulated(async (system) => {
    const loop = await system.spawn(Loop, undefined, onThread)
    loop.tell.turn(500)
    await system.settle()
    const turns = system.trace.filter(({ what }) => what === 'turn')
    assert.is(turns.length, 500)
    assert.is(system.clock.now(), 0)
  }),
)

test('actors that never come to rest are told of after maxTurns, and the system goes on', async () => {
  const system = testSystem({ seed: 1, maxTurns: 200 })
  const loop = await system.spawn(Loop, undefined)
  loop.tell.turn(150)
  await system.settle()
  loop.tell.turn(150)
  await system.settle()
  loop.tell.turn(Infinity)
  const error = await rejection(system.settle(), 'BAD_ARGUMENT')
  assert.match(error.message, 'did not come to rest within 200 turns')
  const other = await system.spawn(Tally, undefined)
  assert.equal(await other.ask.added(), [])
  const disposed = system.dispose()
  await system.advance(10_000)
  await disposed
})

test(
  'each movement of the clock counts the turns anew',
  simulated(
    async (system) => {
      const at: number[] = []
      const ticker = await system.spawn(Ticker, at)
      ticker.tell.go()
      await system.advance(10_000)
      assert.is(at.length, 1_001)
    },
    { maxTurns: 50 },
  ),
)

test('A7 a disposed test system leaves no timer, also of simulated threads', async () => {
  const system = testSystem({ seed: 1 })
  const inline = await system.spawn(Tally, undefined)
  const apart = await system.spawn(Tally, undefined, onThread)
  const asks = [inline, apart].map((ref) => outcomeOf(ref.ask.wait(60_000)))
  await system.settle()
  assert.ok(system.clock.pending > 0)
  const disposed = system.dispose()
  await system.settle()
  await disposed
  assert.is(system.clock.pending, 0)
  for (const asked of asks) assert.ok(asked.code !== undefined)
})

test.run()
