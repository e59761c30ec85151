import * as assert from 'uvu/assert'
import { downOf, eventually, nextEvent, rejection } from '../../actors/support.js'
import { theme, type Stage } from './stage.js'

const often = { max: 100, withinMs: 60_000 }
const once = { max: 1, withinMs: 60_000 }
const never = { max: 0, withinMs: 60_000 }

/** A parent whose children are in a group of its own that allows no restart. */
function family(stage: Stage) {
  const on = stage.where.kind
  return {
    group: { name: 'g', strategy: 'one-for-one', restart: never } as const,
    children: [{ name: 'a', inGroup: true }, { name: 'b', inGroup: true, on }, { name: 'beside' }],
  }
}

export const escalation = theme('escalation', {
  everywhere: {
    'a group that gives up makes the actor that owns it fail': async (stage) => {
      const parent = await stage.raise('p', family(stage))
      const down = downOf(stage.system, parent)
      const [escalated, failed] = [stage.events('escalated'), stage.events('failed')]
      const begun = stage.lines.all.length
      const a = await parent.ask.child('a')
      assert.is(a.path, 'system/p/g/a')
      await rejection(a.ask.fault(), 'ACTOR_FAILED')
      const { reason, error } = await down
      assert.is(reason, 'failed')
      assert.match(String(error?.message), 'system/p/g')
      assert.equal(stage.lines.all.slice(begun), [
        'a:disposed',
        'b:stop',
        'b:disposed',
        'beside:stop',
        'beside:disposed',
        'p:disposed',
      ])
      assert.equal(escalated, ['system/p/g'])
      assert.equal(failed, ['system/p/g/a', 'system/p'])
    },

    'and is answered by a restart of the actor, which makes its group anew': async (stage) => {
      const parent = await stage.raise('p', family(stage), { restart: once })
      const restarted = nextEvent(stage.system, 'restarted')
      const first = await parent.ask.child('a')
      await rejection(first.ask.fault(), 'ACTOR_FAILED')
      await restarted
      await rejection(first.ask.echo(1), 'ACTOR_STOPPED')
      const a = await parent.ask.child('a')
      assert.is(await a.ask.life(), 2)
      assert.is(a.path, first.path)
      assert.is.not(a, first, 'a new actor, though its path is the same')
      const down = downOf(stage.system, parent)
      await rejection(a.ask.fault(), 'ACTOR_FAILED')
      assert.is((await down).reason, 'failed', 'no restart is left')
    },

    'an ask in hand is answered when a group below fails': async (stage) => {
      const parent = await stage.raise('p', family(stage), { restart: often })
      const gate = await stage.gate()
      const a = await parent.ask.child('a')
      const inHand = rejection(parent.ask.hold(gate.ref), 'ACTOR_FAILED')
      const waiting = rejection(parent.ask.echo(1), 'ACTOR_RESTARTING')
      await gate.arrived()
      const restarted = nextEvent(stage.system, 'restarted')
      await rejection(a.ask.fault(), 'ACTOR_FAILED')
      assert.match((await inHand).message, 'system/p/g')
      await waiting
      await restarted
    },

    'two levels up: child, group, its actor, the group that the actor is in': async (stage) => {
      await stage.log
      const group = stage.system.supervise({ name: 'top', strategy: 'one-for-all', restart: once })
      const sibling = await stage.play('sibling', {}, {}, group)
      const parent = await stage.raise('p', family(stage), {}, group)
      const [escalated, down] = [stage.events('escalated'), downOf(stage.system, sibling)]
      const fail = async (): Promise<void> => {
        const a = await parent.ask.child('a')
        await rejection(a.ask.fault(), 'ACTOR_FAILED')
      }
      await fail()
      await stage.restarts.until('system/top/p')
      assert.is(await sibling.ask.life(), 2)
      await fail()
      assert.is((await down).reason, 'stopped')
      await eventually(() => escalated.length === 3)
      assert.equal(escalated, ['system/top/p/g', 'system/top/p/g', 'system/top'])
      await rejection(parent.ask.echo(1), 'ACTOR_STOPPED')
    },

    'the members of a system stop in reverse order, groups and what is in them too': async (
      stage,
    ) => {
      await stage.play('first')
      const group = stage.system.supervise({ strategy: 'one-for-one', restart: never })
      await stage.play('second', {}, {}, group)
      await stage.raise('third', family(stage), {}, group)
      await stage.play('last')
      const begun = stage.lines.all.length
      await stage.system.dispose()
      const ended = stage.lines.all.slice(begun).filter((line) => line.endsWith(':disposed'))
      const order = ['last', 'beside', 'b', 'a', 'third', 'second', 'first']
      assert.equal(
        ended.map((line) => line.replace(':disposed', '')),
        order,
      )
    },
  },
})
