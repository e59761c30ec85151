import { ask, protocol, tell, type ActorRef, type Context, type Ref } from '@kaitian/actors'
import { testSystem, type TestSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { onThread as tallyOnThread, Tally, type TallyProtocol } from './fixtures/tally.js'
import { linesOf, outcomeOf, refusal, simulated } from './simulated.js'
import { downOf, rejection } from './support.js'

const test = suite('testing, dead threads')

const HolderProtocol = protocol({ hold: tell() })
const onThread = { on: { thread: new URL(import.meta.url) } }

/** What the code of holders did; threads are simulated in this one, so it is seen here. */
let done: string[] = []

/** Does something when it ends, and every millisecond. */
class Holder {
  static readonly protocol = HolderProtocol

  hold(_payload: void, ctx: Context<typeof HolderProtocol>) {
    ctx.signal.addEventListener('abort', () => done.push('aborted'))
    ctx.own({ dispose: () => void done.push('disposed') })
    ctx.every(1, () => done.push('ticked'))
  }
}

const ParentProtocol = protocol({ raise: ask<void, Ref<typeof TallyProtocol>>() })

/** Starts a tally on a thread below. */
class Parent {
  static readonly protocol = ParentProtocol

  raise(_payload: void, ctx: Context<typeof ParentProtocol>) {
    return ctx.spawn(Tally, undefined, tallyOnThread)
  }
}

function refuseFaults({ faults }: TestSystem, ref: ActorRef): void {
  for (const fault of [
    () => faults.crash(ref),
    () => faults.stall(ref),
    () => faults.dropNext(ref),
    () => faults.delay(ref, 1),
  ]) {
    assert.match(refusal(fault), 'is not there just now')
  }
}

test(
  'a thread that has died runs no code any more, and takes no fault',
  simulated(async (system) => {
    done = []
    const restart = { max: 1, withinMs: 1000, backoffMs: 10 }
    const holder = await system.spawn(Holder, undefined, { ...onThread, restart })
    holder.tell.hold()
    await system.settle()
    system.faults.exit(holder)
    refuseFaults(system, holder)
    await system.advance(9)
    refuseFaults(system, holder)
    assert.equal(done, [])
    await system.advance(1)
    system.faults.dropNext(holder)
    holder.tell.hold()
    await system.advance(5)
    assert.equal(done, [])
  }),
)

test('a thread that does not end runs no code of its actor any more, and takes no fault', async () => {
  done = []
  const system = testSystem({ seed: 1 })
  const holder = await system.spawn(Holder, undefined, onThread)
  holder.tell.hold()
  await system.settle()
  system.faults.hang(holder)
  const killed = system.kill(holder)
  refuseFaults(system, holder)
  await system.advance(10_000)
  await killed
  refuseFaults(system, holder)
  await rejection(system.dispose(), 'ACTOR_QUARANTINED')
  assert.equal(done, [])
})

for (const [where, on, kept] of [
  ['an inline actor stay', {}, true],
  ['an actor on a thread go', tallyOnThread, false],
] as const) {
  test(
    `faults of ${where} with a restart`,
    simulated(async (system) => {
      const restart = { max: 1, withinMs: 1000 }
      const tally = await system.spawn(Tally, undefined, { ...on, restart })
      system.faults.delay(tally, 20)
      system.faults.crash(tally)
      await system.settle()
      const added = outcomeOf(tally.ask.added())
      await system.settle()
      assert.is(added.value === undefined, kept)
      await system.advance(20)
      assert.equal(added.value, [])
    }),
  )
}

test(
  'A3 what an actor has started on threads below it dies with its process',
  simulated(async (system) => {
    const where = { on: { process: new URL(import.meta.url) } }
    const parent = await system.spawn(Parent, undefined, where)
    const child = await parent.ask.raise()
    const asked = rejection(child.ask.wait(1000), 'THREAD_EXITED')
    await system.settle()
    system.faults.exit(parent)
    await asked
    assert.ok(linesOf(system, child).includes('0 sim-thread exits with 1'))
    assert.is((await downOf(system, child)).reason, 'exited')
  }),
)

test.run()
