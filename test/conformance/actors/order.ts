import * as assert from 'uvu/assert'
import { rejection } from '../../actors/support.js'
import { Sender } from './fixtures/sender.js'
import { theme, type Stage } from './stage.js'

const senderModule = new URL('./fixtures/sender.js', import.meta.url)

/** What the player said, without its start. */
function said(stage: Stage, name: string): string[] {
  const own = stage.lines.all.filter((line) => line.startsWith(`${name}:`))
  return own.map((line) => line.slice(name.length + 1)).filter((line) => line !== 'start')
}

/**
 * Holds a player whose mailbox has room for one more message, with a due timer, the death of an actor
 * that it watches, and that one message; then lets it go.
 */
async function whatComesAfterTheMessageInHand(stage: Stage): Promise<string[]> {
  const gate = await stage.gate()
  const other = await stage.play('other')
  // Where the sender is elsewhere, the message in hand takes up room on the way.
  const capacity = stage.where.kind === 'inline' ? 1 : 2
  const player = await stage.play('p', {}, { mailbox: { capacity } })
  await player.ask.watch(other)
  const held = player.ask.holdPastTimer(gate.ref)
  await gate.arrived()
  assert.is(player.tell.say('message'), 'queued')
  assert.is(player.tell.say('refused'), 'rejected')
  await stage.system.stop(other)
  // The answer comes after the news of the death is there.
  await stage.system.accounts()
  assert.equal(said(stage, 'p'), [])
  gate.open()
  await held
  await stage.lines.until('p:message')
  return said(stage, 'p')
}

export const order = theme('order', {
  everywhere: {
    'A1 start is a turn: messages wait until it returns': async (stage) => {
      await stage.play('p', { greetSelf: true })
      await stage.lines.until('p:hello')
      assert.equal(stage.lines.all, ['p:start', 'p:started', 'p:hello'])
    },

    'A1 async handlers of one actor do not overlap': async (stage) => {
      const player = await stage.play('p')
      const asks = Array.from({ length: 20 }, () => player.ask.overlap())
      assert.is(Math.max(...(await Promise.all(asks))), 1)
    },

    'A1 callbacks of watch and after are turns: they wait for the message in hand': async (
      stage,
    ) => {
      const turns = await whatComesAfterTheMessageInHand(stage)
      assert.is(turns[0], 'let go')
      assert.equal(turns.slice(1).toSorted(), ['down system/other stopped', 'message', 'timer'])
    },

    'A6 a full mailbox does not hold up deaths and timers, which go first, deaths before timers':
      async (stage) => {
        const turns = await whatComesAfterTheMessageInHand(stage)
        assert.equal(turns.slice(1), ['down system/other stopped', 'timer', 'message'])
      },

    'A2 tells, asks and the openings of flows of one sender are handled in order': async (
      stage,
    ) => {
      const player = await stage.play('p')
      await new Sender().mix({ to: player, from: 0, until: 300 })
      assert.equal(await player.ask.taken(), upTo(300))
    },

    'A2 likewise where the sender is an actor elsewhere, from its first message on': async (
      stage,
    ) => {
      const player = await stage.play('p')
      for (const [name, on] of [
        ['here', 'inline'],
        ['there', { thread: senderModule }],
      ] as const) {
        const sender = await stage.system.spawn(Sender, undefined, { name, on })
        const before = (await player.ask.taken()).length
        await sender.ask.mix({ to: player, from: 0, until: 300 })
        assert.equal((await player.ask.taken()).slice(before), upTo(300), name)
      }
    },

    'A2 an order of the sender comes after what it had sent, and beats what waits': async (
      stage,
    ) => {
      const player = await stage.play('p')
      const gate = await stage.gate()
      const held = player.ask.hold(gate.ref)
      await gate.arrived()
      for (let n = 0; n < 3; n++) player.tell.say('never')
      const waiting = rejection(player.ask.echo(1), 'ACTOR_STOPPED')
      const stopped = stage.system.stop(player)
      assert.is((await waiting).fields.reason, 'stopped', 'before the message in hand has settled')
      const late = rejection(player.ask.echo(2), 'ACTOR_STOPPED')
      await late
      assert.equal(said(stage, 'p'), [])
      gate.open()
      assert.is(await held, 'held')
      await stopped
      assert.equal(said(stage, 'p'), ['let go', 'stop', 'disposed'])
    },

    'A6 an order to stop beats what fills the mailbox, and the message in hand finishes': async (
      stage,
    ) => {
      const player = await stage.play('p', {}, { mailbox: { capacity: 2 } })
      const gate = await stage.gate()
      const held = player.ask.untilAborted(gate.ref)
      await gate.arrived()
      const waiting = rejection(player.ask.echo(1), 'ACTOR_STOPPED')
      player.tell.say('never')
      await stage.system.stop(player)
      assert.is(await held, 'finished')
      await waiting
      assert.is(player.tell.say('never'), 'rejected')
      assert.equal(said(stage, 'p'), ['stop', 'disposed'])
    },

    'a stop with drain handles what waits, and refuses what comes after it': async (stage) => {
      const player = await stage.play('p')
      const gate = await stage.gate()
      const held = player.ask.hold(gate.ref)
      await gate.arrived()
      player.tell.say('first')
      player.tell.signal()
      const last = player.ask.echo('last')
      const stopped = stage.system.stop(player, { drain: true })
      await rejection(player.ask.echo('late'), 'ACTOR_STOPPED')
      gate.open()
      assert.is(await held, 'held')
      assert.is(await last, 'last')
      await stopped
      const end = ['let go', 'first', 'told to end: false', 'stop', 'disposed']
      assert.equal(said(stage, 'p'), end)
    },

    'a kill waits for nothing: neither for the message in hand nor for those that wait': async (
      stage,
    ) => {
      const player = await stage.play('p')
      const gate = await stage.gate()
      const held = rejection(player.ask.hold(gate.ref), stage.where.deathCode)
      await gate.arrived()
      const waiting = rejection(player.ask.echo(1), stage.where.deathCode)
      player.tell.say('never')
      await stage.system.kill(player)
      await Promise.all([held, waiting])
      assert.equal(said(stage, 'p'), stage.where.kind === 'inline' ? ['disposed'] : [])
    },

    'A1 a kill overtakes a stop that waits for the message in hand': async (stage) => {
      const player = await stage.play('p')
      const gate = await stage.gate()
      const held = rejection(player.ask.hold(gate.ref), stage.where.deathCode)
      await gate.arrived()
      const stopped = stage.system.stop(player, { timeoutMs: 600_000 })
      await stage.system.kill(player)
      await Promise.all([held, stopped])
      assert.not(said(stage, 'p').includes('stop'))
    },
  },

  inline: {
    'actors take turns as they became ready, 32 in a row': async (stage) => {
      const [p, q] = [await stage.play('p'), await stage.play('q')]
      for (let n = 0; n < 80; n++) {
        p.tell.say('turn')
        q.tell.say('turn')
      }
      await stage.lines.until('q:turn', 80)
      const turns = stage.lines.all.filter((line) => line.endsWith(':turn'))
      const rounds = [32, 32, 16].flatMap((count) => [
        ...Array.from({ length: count }, () => 'p:turn'),
        ...Array.from({ length: count }, () => 'q:turn'),
      ])
      assert.equal(turns, rounds)
    },
  },
})

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}
