import { ask, move, protocol } from '@kaitian/actors'
import { testSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { inProcess, onThread, Tally } from './fixtures/tally.js'
import { linesOf, simulated, snapshotOf } from './simulated.js'
import { rejection } from './support.js'

const test = suite('testing, simulated threads')

const SignerProtocol = protocol({ sign: ask<string>() })

/** Adds to the array that it was given. */
class Signer {
  static readonly protocol = SignerProtocol
  readonly #names: string[]

  constructor(names: string[]) {
    this.#names = names
  }

  sign(name: string) {
    this.#names.push(name)
  }
}

test(
  'snapshots name simulated threads and processes as such',
  simulated(async (system) => {
    const placements = []
    for (const on of [{}, onThread, inProcess]) {
      const tally = await system.spawn(Tally, undefined, on)
      placements.push((await snapshotOf(system, tally)).placement)
    }
    assert.equal(placements, ['inline', 'sim-thread', 'sim-process'])
  }),
)

test(
  'arguments are cloned on their way to a simulated thread, and passed on inline',
  simulated(async (system) => {
    for (const on of [{}, onThread, inProcess]) {
      const names: string[] = []
      const signer = await system.spawn(Signer, names, on)
      await signer.ask.sign('Ada')
      assert.equal(names, on === onThread || on === inProcess ? [] : ['Ada'])
    }
    const uncloneable = [() => 'Ada'] as unknown as string[]
    await rejection(system.spawn(Signer, uncloneable, onThread), 'SPAWN_FAILED')
  }),
)

test(
  'messages are cloned on their way to a simulated thread, and passed on inline',
  simulated(async (system) => {
    const kept = { deep: { n: 1 } }
    for (const on of [{}, onThread, inProcess]) {
      const tally = await system.spawn(Tally, undefined, on)
      tally.tell.keep(kept)
      const back = await tally.ask.kept()
      assert.equal(back, kept)
      assert.is(back === kept, on !== onThread && on !== inProcess)
    }
  }),
)

test(
  'what is moved to a simulated thread is gone here',
  simulated(async (system) => {
    const tally = await system.spawn(Tally, undefined, onThread)
    const bytes = new Uint8Array([1, 2, 3])
    tally.tell.keep(move(bytes, [bytes.buffer]))
    assert.equal(await tally.ask.kept(), new Uint8Array([1, 2, 3]))
    assert.is(bytes.byteLength, 0)
  }),
)

test(
  'what cannot be cloned is refused by a simulated thread as by a real one',
  simulated(async (system) => {
    const tally = await system.spawn(Tally, undefined, onThread)
    const error = await rejection(
      tally.ask.wait((() => 1) as unknown as number),
      'MESSAGE_NOT_CLONEABLE',
    )
    assert.match(error.message, tally.path)
  }),
)

test(
  'flows come from simulated threads too',
  simulated(async (system) => {
    for (const on of [onThread, inProcess]) {
      const tally = await system.spawn(Tally, undefined, on)
      const steps: number[] = []
      for await (const step of tally.flow.steps(20)) steps.push(step)
      assert.equal(
        steps,
        Array.from({ length: 20 }, (_, at) => at + 1),
      )
    }
  }),
)

test(
  'the trace tells when, to whom and what, from start to end',
  simulated(async (system) => {
    const tally = await system.spawn(Tally, undefined, { ...onThread, name: 'tally' })
    await system.advance(5)
    tally.tell.add(1)
    await system.settle()
    await system.stop(tally)
    tally.tell.add(2)
    await system.settle()
    assert.equal(linesOf(system, tally), [
      '0 sim-thread starts',
      '0 spawned',
      '5 add',
      '5 sim-thread exits with 0',
      '5 stopped',
      '5 dead letter: add (stopped)',
    ])
  }),
)

test('a test system has the name and the seed that it was given', async () => {
  const system = testSystem({ seed: 7, name: 'shop' })
  const tally = await system.spawn(Tally, undefined, { name: 'till' })
  assert.is(system.seed, 7)
  assert.is(tally.path, 'shop/till')
  await system.dispose()
})

test.run()
