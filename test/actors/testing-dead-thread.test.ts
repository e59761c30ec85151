import { ask, protocol, tell, type ActorRef, type Context, type Ref } from '@kaitian/actors'
import { testSystem, type TestSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { onThread as tallyOnThread, Tally, type TallyProtocol } from './fixtures/tally.js'
import { linesOf, outcomeOf, refusal, simulated } from './simulated.js'
import { downOf, rejection } from './support.js'

const test = suite('testing, dead threads')

const HolderProtocol = protocol({ hold: tell(), loop: tell() })
const onThread = { on: { thread: new URL(import.meta.url) } }

/** What the code of holders did; threads are simulated in this one, so it is seen here. */
let done: string[] = []
/** What happens while a holder has a turn. */
let meanwhile = (): void => undefined

/** Does something when it ends, and every millisecond. */
class Holder {
  static readonly protocol = HolderProtocol

  hold(_payload: void, ctx: Context<typeof HolderProtocol>) {
    ctx.signal.addEventListener('abort', () => done.push('aborted'))
    ctx.own({ dispose: () => void done.push('disposed') })
    ctx.every(1, () => done.push('ticked'))
    // oxlint-disable-next-line promise/prefer-await-to-then -- the handler does not wait for it
    void ctx.clock.sleep(1).then(() => done.push('slept'))
  }

  loop(_payload: void, ctx: Context<typeof HolderProtocol>) {
    done.push('looped')
    ctx.self.tell.loop()
    meanwhile()
  }
}

const ParentProtocol = protocol({ raise: ask<'inline' | 'thread', Ref<typeof TallyProtocol>>() })

/** Starts tallies below. */
class Parent {
  static readonly protocol = ParentProtocol

  raise(where: 'inline' | 'thread', ctx: Context<typeof ParentProtocol>) {
    return ctx.spawn(Tally, undefined, where === 'inline' ? {} : tallyOnThread)
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

test(
  'a thread that dies takes the turns along that it had before it',
  simulated(async (system) => {
    done = []
    const holder = await system.spawn(Holder, undefined, onThread)
    meanwhile = () => system.faults.exit(holder)
    holder.tell.loop()
    await system.settle()
    assert.equal(done, ['looped'])
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
    const child = await parent.ask.raise('thread')
    const asked = rejection(child.ask.wait(1000), 'THREAD_EXITED')
    await system.settle()
    system.faults.exit(parent)
    await asked
    assert.ok(linesOf(system, child).includes('0 sim-thread exits with 1'))
    assert.is((await downOf(system, child)).reason, 'exited')
  }),
)

test(
  'an actor inline on a thread ends with it, and cannot hang by itself',
  simulated(async (system) => {
    const parent = await system.spawn(Parent, undefined, onThread)
    const child = await parent.ask.raise('inline')
    assert.match(
      refusal(() => system.faults.hang(child)),
      'no simulated thread of its own',
    )
    system.faults.exit(child)
    await rejection(parent.ask.raise('inline'), 'THREAD_EXITED')
    assert.is((await downOf(system, parent)).reason, 'exited')
  }),
)

test.run()
