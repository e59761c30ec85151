import { protocol, tell, type ActorRef, type Context } from '@kaitian/actors'
import type { TestSystem } from '@kaitian/actors/testing'
import { testSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { refusal, simulated } from './simulated.js'
import { rejection } from './support.js'

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

async function refuseFaults({ faults }: TestSystem, ref: ActorRef): Promise<void> {
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
    await refuseFaults(system, holder)
    await system.advance(9)
    await refuseFaults(system, holder)
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
  await refuseFaults(system, holder)
  await system.advance(10_000)
  await killed
  await refuseFaults(system, holder)
  await rejection(system.dispose(), 'ACTOR_QUARANTINED')
  assert.equal(done, [])
})

test.run()
