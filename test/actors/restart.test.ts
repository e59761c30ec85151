import { ask, nothing, protocol, tell } from '@kaitian/actors'
import { Restarts } from '@kaitian/actors/internal'
import { testSystem } from '@kaitian/actors/testing'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('restarts')

const DeskProtocol = protocol({ boom: tell(), echo: ask<number>(nothing) })

class Desk {
  static readonly protocol = DeskProtocol
  boom(): void {
    throw new TypeError('a bug')
  }
  echo(): number {
    return 1
  }
}

const restart = { max: Infinity, withinMs: 60_000 }

test('an actor is restarted however often it was before', async () => {
  await using system = testSystem({ seed: 1, maxTurns: 1_000_000 })
  const group = system.supervise({ name: 'g', strategy: 'one-for-one', restart })
  const alone = await system.spawn(Desk, undefined, { restart })
  const child = await group.spawn(Desk)
  const sibling = await group.spawn(Desk)
  for (const desk of [alone, child]) {
    for (let i = 0; i < 1100; i++) {
      desk.tell.boom()
      assert.is(await desk.ask.echo().catch(() => 0), 0)
      await system.settle()
    }
    assert.is(await desk.ask.echo(), 1)
  }
  sibling.tell.boom()
  await system.settle()
  assert.is(await sibling.ask.echo(), 1)
  const [g] = (await system.snapshot()).children
  assert.equal(
    g.children.map(({ state }) => state),
    ['idle', 'idle'],
  )
})

test('a back-off is never longer than told, and always one that ends', () => {
  const ms = fc.oneof(fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }), fc.nat())
  const property = fc.property(ms, fc.option(ms), (backoffMs, most) => {
    const maxBackoffMs = most ?? Infinity
    const restarts = new Restarts({ max: Infinity, withinMs: 1, backoffMs, maxBackoffMs })
    let last = 0
    for (let i = 0; i < 1100; i++) {
      assert.ok(restarts.decide(0))
      const afterMs = restarts.next(0) as number
      assert.ok(
        Number.isFinite(afterMs) && afterMs >= last && afterMs <= maxBackoffMs,
        `${afterMs}`,
      )
      if (i === 0 && backoffMs < maxBackoffMs && backoffMs < 2 ** 53) assert.is(afterMs, backoffMs)
      if (backoffMs === 0) assert.is(afterMs, 0)
      last = afterMs
    }
  })
  fc.assert(property, {
    seed: 7,
    numRuns: 50,
    examples: [
      [0, null],
      [5e-324, null],
      [1, Infinity],
    ],
  })
})

test.run()
