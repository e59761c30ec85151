import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Gate } from './fixtures/shared-log.js'
import { ProbeActor } from './fixtures/probe.js'
import { eventually, nextEvent, placements, rejection, withSystem } from './support.js'

for (const [where, on] of placements) {
  const test = suite(`mailbox, ${where}`)

  test(
    'A1 async handlers of one actor do not overlap',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on })
      const overlaps = await Promise.all(Array.from({ length: 20 }, () => probe.ask.overlap()))
      assert.is(Math.max(...overlaps), 1)
    }),
  )

  test(
    'A2 messages of one sender are handled in order, asks and tells alike',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on })
      const gate = new Gate()
      const held = probe.ask.hold(gate.cells)
      for (let n = 0; n < 500; n++) probe.tell.note(n)
      const notes = probe.ask.notes()
      probe.tell.note(-1)
      gate.open()
      assert.is(await held, 'passed')
      const expected = Array.from({ length: 500 }, (_, n) => n)
      assert.equal((await notes).slice(0, 500), expected)
      assert.equal(await probe.ask.notes(), [...expected, -1])
    }),
  )

  test(
    'A6 a full mailbox refuses, says so, and takes messages again later',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on, mailbox: { capacity: 4 } })
      const gate = new Gate()
      const held = probe.ask.hold(gate.cells)
      await gate.arrived()
      const letter = nextEvent(system, 'dead-letter')
      const outcomes = Array.from({ length: 10 }, (_, n) => probe.tell.note(n))
      const queued = outcomes.filter((outcome) => outcome === 'queued').length
      // On a thread the message in hand counts too: the sender does not know yet that it left.
      assert.ok(queued === 3 || queued === 4, `${queued} were queued`)
      assert.equal(
        outcomes.lastIndexOf('queued') < outcomes.indexOf('rejected'),
        true,
        'the first ones are queued, the last ones refused',
      )
      await rejection(probe.ask.notes(), 'MAILBOX_FULL')
      assert.equal(await letter, {
        to: probe.path,
        kind: 'tell',
        message: 'note',
        reason: 'mailbox-full',
        count: 1,
      })
      gate.open()
      await held
      // It is handled one after the other; there is room as soon as one has left.
      await eventually(() => probe.tell.note(-1) === 'queued')
      let notes: number[] = []
      await eventually(async () => {
        notes = await probe.ask.notes().catch(() => notes)
        return notes.includes(-1)
      })
      assert.equal(notes, [...[0, 1, 2, 3].slice(0, queued), -1])
    }),
  )

  test(
    'A6 the system lane works while the mailbox is full: a stop beats what waits',
    withSystem(async (system) => {
      const probe = await system.spawn(ProbeActor, {}, { on, mailbox: { capacity: 2 } })
      const gate = new Gate()
      const held = probe.ask.untilStopped(gate.cells)
      await gate.arrived()
      const waiting = rejection(probe.ask.echo(1), 'ACTOR_STOPPED')
      probe.tell.note(1)
      await system.stop(probe)
      assert.is(await held, 'finished', 'the message in hand is finished')
      await waiting
      assert.is(probe.tell.note(2), 'rejected')
      await rejection(probe.ask.echo(1), 'ACTOR_STOPPED')
    }),
  )

  test.run()
}
