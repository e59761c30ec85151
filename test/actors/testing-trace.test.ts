import { testSystem, type TraceEntry } from '@kaitian/actors/testing'
import { KaitianError } from '@kaitian/errors'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { inProcess, onThread, Tally } from './fixtures/tally.js'

const test = suite('testing, seeds')

/** Three senders in three places, faults, chance and time: all that a seed decides. */
async function history(seed: number): Promise<{ trace: readonly TraceEntry[]; said: unknown[] }> {
  const system = testSystem({ seed })
  const said: unknown[] = []
  const restart = { max: 2, withinMs: 1000, backoffMs: 1 }
  const tallies = await Promise.all(
    [{}, onThread, inProcess].map((on) => system.spawn(Tally, undefined, { ...on, restart })),
  )
  for (const tally of tallies) {
    for (let i = 0; i < 3; i++) void tally.ask.draw().then((drawn) => said.push(tally.path, drawn))
  }
  await system.settle()
  const [inline, thread, process] = tallies
  system.faults.crash(inline)
  system.faults.exit(thread)
  system.faults.delay(process, 3)
  for (const tally of tallies)
    void tally.ask.draw().catch((error: KaitianError) => said.push(error.code))
  await system.advance(10)
  const disposed = system.dispose()
  await system.advance(10)
  await disposed
  said.push(system.random.next())
  return { trace: [...system.trace], said }
}

test('A8 the same seed gives the same trace, answers and numbers', async () => {
  const property = fc.asyncProperty(fc.nat(), async (seed) => {
    assert.equal(await history(seed), await history(seed))
  })
  await fc.assert(property, { seed: 44, numRuns: 50 })
})

test('A8 another seed may give another order, and other numbers', async () => {
  const orders = new Set<string>()
  const numbers = new Set<unknown>()
  for (let seed = 1; seed <= 20; seed++) {
    const { trace, said } = await history(seed)
    orders.add(trace.map(({ path, what }) => `${path} ${what}`).join('\n'))
    numbers.add(said.at(-1))
  }
  assert.ok(orders.size > 10, `${orders.size} orders`)
  assert.is(numbers.size, 20)
})

test('A2 A8 whatever the seed, messages of one sender come in order; those of two in either', async () => {
  const merged = new Set<string>()
  for (let seed = 1; seed <= 30; seed++) {
    const system = testSystem({ seed })
    const tally = await system.spawn(Tally, undefined)
    const [one, other] = [
      await system.spawn(Tally, undefined),
      await system.spawn(Tally, undefined),
    ]
    const send = (numbers: number[]) => (): void => numbers.forEach((n) => void tally.tell.add(n))
    void one.ask.added().then(send([1, 2]))
    void other.ask.added().then(send([11, 12]))
    await system.settle()
    const added = await tally.ask.added()
    assert.ok(added.indexOf(1) < added.indexOf(2) && added.indexOf(11) < added.indexOf(12))
    merged.add(added.join())
    await system.dispose()
  }
  assert.equal([...merged].toSorted(), ['1,2,11,12', '11,12,1,2'])
})

test('a seed that is no finite number is refused', () => {
  assert.throws(
    () => testSystem({ seed: Number.NaN }),
    (error: KaitianError) => error.code === 'BAD_ARGUMENT',
  )
})

test.run()
