import { testSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { inProcess, onThread, Tally } from './fixtures/tally.js'
import { deadLettersOf, linesOf, outcomeOf, refusal, simulated, snapshotOf } from './simulated.js'
import { downOf, rejection } from './support.js'

const test = suite('testing, faults')
const restart = { max: 1, withinMs: 1000, backoffMs: 10 }

for (const [where, on] of [
  ['inline', {}],
  ['on a simulated thread', onThread],
] as const) {
  test(
    `A3 crash fails an actor ${where} as a throw would, and its restart follows`,
    simulated(async (system) => {
      const tally = await system.spawn(Tally, undefined, { ...on, restart })
      const failed: string[] = []
      system.events.on('failed', ({ error }) => failed.push(error.message))
      const waiting = outcomeOf(tally.ask.wait(5))
      await system.settle()
      system.faults.crash(tally, new RangeError('out of paper'))
      await system.settle()
      assert.ok(['ACTOR_FAILED', 'THREAD_EXITED'].includes(waiting.code ?? ''), waiting.code)
      assert.ok(failed[0].includes('out of paper'), failed[0])
      assert.is((await snapshotOf(system, tally)).state, 'restarting')
      await system.advance(10)
      assert.equal(await tally.ask.added(), [])
      const lines = linesOf(system, tally)
      assert.ok(lines.includes('0 fault: crash (out of paper)'))
      assert.ok(lines.includes('10 restarted'))
    }),
  )

  test(
    `A4 dropNext makes dead letters of so many messages to an actor ${where}`,
    simulated(async (system) => {
      const tally = await system.spawn(Tally, undefined, on)
      const letters = deadLettersOf(system)
      system.faults.dropNext(tally, 2)
      const lost = rejection(tally.ask.added(), 'MESSAGE_DROPPED')
      const outcomes = [tally.tell.add(1), tally.tell.add(2)]
      // On a thread the sender does not know yet.
      assert.equal(outcomes, [on === onThread ? 'queued' : 'dropped', 'queued'])
      assert.equal(await tally.ask.added(), [2])
      await lost
      assert.equal(letters, ['added: dropped', 'add: dropped'])
      assert.equal(await system.accounts(), { sent: 4, handled: 2, deadLettered: 2, inFlight: 0 })
    }),
  )

  test(
    `A2 delay holds messages to an actor ${where} back for so long, in order`,
    simulated(async (system) => {
      const tally = await system.spawn(Tally, undefined, on)
      const back = system.faults.delay(tally, 20)
      tally.tell.add(1)
      await system.advance(5)
      back()
      // No delay any more, but behind what is on its way.
      tally.tell.add(2)
      const added = outcomeOf(tally.ask.added())
      await system.advance(14)
      assert.equal(added, {})
      await system.advance(1)
      assert.equal(added.value, [1, 2])
      assert.equal(await tally.ask.added(), [1, 2])
    }),
  )

  test(
    `A1 a stalled actor ${where} takes no turn until it is let go`,
    simulated(async (system) => {
      const tally = await system.spawn(Tally, undefined, on)
      const resume = system.faults.stall(tally)
      const again = system.faults.stall(tally)
      tally.tell.add(1)
      const added = outcomeOf(tally.ask.added())
      await system.advance(60_000)
      resume()
      // Of two stalls one is left, also when the other is ended twice.
      resume()
      await system.settle()
      assert.equal(added, {})
      assert.is((await snapshotOf(system, tally)).mailbox?.depth, 2)
      again()
      await system.settle()
      assert.equal(added.value, [1])
    }),
  )

  test(
    `a stall of an actor ${where} ends by itself when it was given a time`,
    simulated(async (system) => {
      const tally = await system.spawn(Tally, undefined, on)
      system.faults.stall(tally, 30)
      const added = outcomeOf(tally.ask.added())
      await system.advance(29)
      assert.equal(added, {})
      await system.advance(1)
      assert.equal(added.value, [])
    }),
  )
}

test(
  'A1 a stall holds up also the turn that an actor was about to take',
  simulated(async (system) => {
    const tally = await system.spawn(Tally, undefined)
    tally.tell.add(1)
    const resume = system.faults.stall(tally)
    await system.settle()
    assert.is((await snapshotOf(system, tally)).mailbox?.depth, 1)
    resume()
    assert.equal(await tally.ask.added(), [1])
  }),
)

test(
  'delays add up, and what is delayed to an actor that ends is a dead letter',
  simulated(async (system) => {
    const tally = await system.spawn(Tally, undefined, {})
    const letters = deadLettersOf(system)
    system.faults.delay(tally, 10)
    system.faults.delay(tally, 5)
    tally.tell.add(1)
    await system.advance(14)
    const lost = rejection(tally.ask.added(), 'ACTOR_STOPPED')
    await system.advance(1)
    await system.stop(tally)
    await lost
    assert.equal(letters, ['added: stopped'])
  }),
)

test(
  'a delay that is ended twice ends no other of the same length',
  simulated(async (system) => {
    const tally = await system.spawn(Tally, undefined)
    const back = system.faults.delay(tally, 10)
    system.faults.delay(tally, 10)
    back()
    back()
    const added = outcomeOf(tally.ask.added())
    await system.advance(9)
    assert.equal(added, {})
    await system.advance(1)
    assert.equal(added.value, [])
  }),
)

test(
  'A3 A5 exit ends a simulated thread or process: asks settle, watchers hear, a new one starts',
  simulated(async (system) => {
    for (const [where, code] of [
      [onThread, 'THREAD_EXITED'],
      [inProcess, 'PROCESS_EXITED'],
    ] as const) {
      const mortal = await system.spawn(Tally, undefined, where)
      const lasting = await system.spawn(Tally, undefined, { ...where, restart })
      const asks = [mortal, lasting].map((ref) => rejection(ref.ask.wait(60_000), code))
      const down = downOf(system, mortal)
      await system.settle()
      for (const ref of [mortal, lasting]) system.faults.exit(ref, 7)
      await Promise.all(asks)
      assert.is((await down).reason, 'exited')
      assert.match((await down).error?.message ?? '', '7')
      await system.advance(10)
      assert.is((await snapshotOf(system, lasting)).incarnation, 1)
      assert.equal(await lasting.ask.added(), [])
    }
  }),
)

test('A3 A5 A7 a hanging thread that is killed is quarantined, and dispose names it', async () => {
  const system = testSystem({ seed: 1 })
  const tally = await system.spawn(Tally, undefined, { ...onThread, restart })
  const asked = rejection(tally.ask.wait(60_000), 'THREAD_EXITED')
  const down = downOf(system, tally)
  await system.settle()
  system.faults.hang(tally)
  const killed = system.kill(tally, { restart: true })
  await asked
  await system.advance(1_999)
  assert.not(linesOf(system, tally).some((line) => line.includes('quarantined')))
  await system.advance(1)
  assert.is((await down).reason, 'quarantined')
  await killed
  assert.ok(linesOf(system, tally).includes('2000 quarantined'))
  const error = await rejection(system.dispose(), 'ACTOR_QUARANTINED')
  assert.equal(error.fields.paths, [tally.path])
})

test('A5 a hanging thread that takes no turn goes through all phases of a stop', async () => {
  const system = testSystem({ seed: 1 })
  const stop = { timeoutMs: 10, abortMs: 5, exitMs: 3 }
  const tally = await system.spawn(Tally, undefined, { ...onThread, stop })
  system.faults.hang(tally)
  system.faults.stall(tally)
  tally.tell.add(1)
  const stopped = system.stop(tally, { drain: true })
  await system.advance(60_000)
  await stopped
  assert.equal(
    linesOf(system, tally).filter((line) => /does not end|quarantined/.test(line)),
    ['15 sim-thread does not end', '18 quarantined'],
  )
  await rejection(system.dispose(), 'ACTOR_QUARANTINED')
})

test(
  'faults are refused where there is nothing that could have them',
  simulated(async (system) => {
    const inline = await system.spawn(Tally, undefined, {})
    const { faults } = system
    assert.match(
      refusal(() => faults.exit(inline)),
      'is inline',
    )
    assert.match(
      refusal(() => faults.hang(inline)),
      'no simulated thread of its own',
    )
    // A process can always be killed.
    const process = await system.spawn(Tally, undefined, inProcess)
    assert.match(
      refusal(() => faults.hang(process)),
      'no simulated thread of its own',
    )
    const group = system.supervise({ name: 'pair', strategy: 'one-for-one', restart })
    for (const fault of [() => faults.crash(group), () => faults.exit(group)]) {
      assert.match(refusal(fault), 'test/pair is a group')
    }
    assert.match(
      refusal(() => faults.crash('a' as never)),
      "What was given is no actor's ref",
    )
    const gone = await system.spawn(Tally, undefined, onThread)
    await system.stop(gone)
    assert.match(
      refusal(() => faults.crash(gone)),
      'not there just now',
    )
  }),
)

test.run()
