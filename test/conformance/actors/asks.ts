import { protocol, ask as declareAsk, type ActorClass, type Ref } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { downOf, eventually, nextEvent, rejection } from '../../actors/support.js'
import { Asked, AskedProtocol } from './fixtures/asked.js'
import { patient, theme, type Stage } from './stage.js'

const module = new URL('./fixtures/asked.js', import.meta.url)
const often = { max: 100, withinMs: 60_000 }

async function asked(
  stage: Stage,
  options: { restart?: typeof often } = {},
): Promise<Ref<typeof AskedProtocol>> {
  const log = await stage.log
  return stage.system.spawn(Asked, { log }, { name: 'a', on: stage.where.on(module), ...options })
}

export const asks = theme('asks', {
  everywhere: {
    'A3 a KaitianError that a handler throws is the answer, whole, and the actor goes on': async (
      stage,
    ) => {
      const player = await stage.play('p')
      const error = await rejection(player.ask.refuse(), 'BAD_TASK')
      assert.is(error.message, 'Refused; ask something else')
      assert.equal(error.fields, { limit: 3 })
      assert.is((error.cause as Error).name, 'RangeError')
      assert.is((error.cause as Error).message, 'too far')
      assert.is(await player.ask.life(), 1)
    },

    'A3 any other error fails the actor, and the asker is told what it was': async (stage) => {
      const player = await stage.play('p')
      const failed = rejection(player.ask.fault(), 'ACTOR_FAILED')
      const behind = rejection(player.ask.echo(1), 'ACTOR_STOPPED')
      assert.match((await failed).message, 'system/p failed in "fault": a bug')
      assert.is(((await failed).cause as Error).name, 'TypeError')
      assert.is((await behind).fields.reason, 'failed')
      assert.is((await rejection(player.ask.echo(1), 'ACTOR_STOPPED')).fields.path, 'system/p')
    },

    'A3 what is thrown need not be an error': async (stage) => {
      const a = await asked(stage, { restart: often })
      for (const [what, detail] of [
        ['nothing', 'undefined'],
        ['text', 'a text'],
        ['later', 'a late bug'],
      ] as const) {
        const restarted = nextEvent(stage.system, 'restarted')
        const error = await rejection(a.ask.throws(what), 'ACTOR_FAILED')
        assert.match(error.message, `system/a failed in "throws": ${detail}`)
        await restarted
      }
      assert.is(await a.ask.answersLater(), 'later', 'a thenable is waited for')
    },

    'A3 asks settle when the actor is killed, the one in hand and those that wait': async (
      stage,
    ) => {
      const a = await asked(stage)
      const gate = await stage.gate()
      const lost = [a.ask.hold(gate.ref), a.ask.echo(1)].map((pending) =>
        rejection(pending, stage.where.deathCode),
      )
      await gate.arrived()
      await stage.system.kill(a)
      await Promise.all(lost)
      await rejection(a.ask.echo(1), stage.where.deathCode)
    },

    'A3 asks settle when a handler ends its own actor': async (stage) => {
      for (const restart of [false, true]) {
        const a = await asked(stage, { restart: often })
        const killed = rejection(a.ask.killsItself({ restart }), stage.where.deathCode)
        const down = downOf(stage.system, a)
        await killed
        if (!restart) assert.is((await down).reason, 'killed')
        else {
          await eventually(async () => (await a.ask.echo(1).catch(() => 0)) === 1)
          assert.is(await a.ask.count(), 1, 'a new incarnation')
          await stage.system.stop(a)
        }
      }
    },

    'A3 an ask in hand is answered ACTOR_FAILED when the actor fails beside it': async (stage) => {
      const a = await asked(stage, { restart: often })
      const [door, held] = [await stage.gate(), await stage.gate()]
      const items = a.flow.failsBeside(door.ref)
      assert.is((await items.next()).value, 1)
      const inHand = rejection(a.ask.hold(held.ref), 'ACTOR_FAILED')
      const waiting = rejection(a.ask.echo(1), 'ACTOR_RESTARTING')
      await held.arrived()
      const end = rejection(items.next(), 'ACTOR_FAILED')
      door.open()
      await Promise.all([end, waiting])
      assert.match((await inHand).message, 'system/a failed')
    },

    'an actor that asks itself hears of its time limit, and goes on': async (stage) => {
      const a = await asked(stage)
      const letter = nextEvent(stage.system, 'dead-letter') as Promise<{ reason: string }>
      assert.is(await a.ask.askSelf(), 'ASK_TIMEOUT')
      assert.is((await letter).reason, 'aborted', 'nobody waited for it any more')
      assert.is(await a.ask.count(), 0)
    },

    'a message that the actor does not have is refused by name': async (stage) => {
      // The sender's class is newer than the one that the module exports, or than its own methods.
      const newer = protocol({ ...AskedProtocol, later: declareAsk() })
      const Newer = class extends Asked {} as unknown as ActorClass<typeof newer, object>
      Object.defineProperties(Newer, { name: { value: 'Asked' }, protocol: { value: newer } })
      const log = await stage.log
      const a = await stage.system.spawn(Newer, { log }, { on: stage.where.on(module) })
      await rejection(a.ask.later(), 'UNKNOWN_MESSAGE')
      assert.is(await a.ask.echo(1), 1)
    },

    'a ref has the messages of its protocol and nothing else': async (stage) => {
      const a = await asked(stage)
      const methods = a.ask as unknown as Record<string, unknown>
      for (const name of ['then', 'constructor', '__proto__', 'failsBeside']) {
        assert.is(methods[name], undefined, name)
      }
    },

    'a trace is carried along': async (stage) => {
      const a = await asked(stage)
      const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
      assert.equal(await a.ask.traced(undefined, { trace }), trace)
      assert.is(await a.ask.traced(), undefined)
    },
  },

  real: {
    'A3 asks settle when the actor ends its thread in mid-ask': async (stage) => {
      const a = await asked(stage)
      const both = [a.ask.exits(3), a.ask.echo(1)]
      await Promise.all(both.map((pending) => rejection(pending, stage.where.deathCode)))
    },
  },

  timed: {
    'A3 between two incarnations an ask is refused as restarting': async (stage, clock) => {
      const restart = { max: 5, withinMs: 60_000, backoffMs: 100 }
      const script = { failStart: [2] }
      const player = await stage.play('p', script, { restart, ...patient })
      const failed = rejection(player.ask.fault(), 'ACTOR_FAILED')
      const waited = rejection(player.ask.echo('waited'), 'ACTOR_RESTARTING')
      await failed
      assert.is((await waited).fields.path, 'system/p')
      await rejection(player.ask.echo('came'), 'ACTOR_RESTARTING')
      await eventually(() => clock.pending === 1)
      const failedAgain = nextEvent(stage.system, 'failed')
      await clock.advanceToNext()
      await failedAgain
      await rejection(player.ask.echo('after a start that failed'), 'ACTOR_RESTARTING')
      await eventually(() => clock.pending === 1)
      const restarted = nextEvent(stage.system, 'restarted')
      await clock.advanceToNext()
      await restarted
      assert.is(await player.ask.life(), 3)
    },

    'A3 what waits when no restart is left is told that the actor is gone': async (stage) => {
      const restart = { max: 0, withinMs: 60_000 }
      const player = await stage.play('p', {}, { restart })
      const failed = rejection(player.ask.fault(), 'ACTOR_FAILED')
      const behind = rejection(player.ask.echo(1), 'ACTOR_STOPPED')
      await failed
      assert.is((await behind).fields.reason, 'failed')
    },
  },
})
