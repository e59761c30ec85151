import type { Ref, SpawnOptions } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { downOf, eventually, nextEvent, rejection } from '../../actors/support.js'
import { Lodger, type LodgerProtocol } from './fixtures/lodger.js'
import { Player } from './fixtures/player.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/lodger.js', import.meta.url)
const often = { max: 100, withinMs: 60_000 }

async function lodger(
  stage: Stage,
  options: SpawnOptions = {},
): Promise<Ref<typeof LodgerProtocol>> {
  const log = await stage.log
  const on = stage.where.on(module)
  return stage.system.spawn(Lodger, { log }, { name: 'l', on, ...options })
}

export const timers = theme('timers and watches', {
  everywhere: {
    'after fires once, every until it is cancelled': async (stage) => {
      const l = await lodger(stage)
      await l.ask.after({ ms: 1, text: 'after' })
      await l.ask.every({ ms: 1, text: 'every', times: 3 })
      await stage.lines.until('after')
      await stage.lines.until('every', 3)
      const told = nextEvent(stage.system, 'stopped')
      await stage.system.stop(l)
      await told
      assert.is(stage.lines.count('after'), 1)
      assert.is(stage.lines.count('every'), 3)
      await rejection((await lodger(stage)).ask.badTimer(), 'BAD_ARGUMENT')
    },

    'what throws in a timer or in a watch fails the actor': async (stage) => {
      const l = await lodger(stage, { restart: often })
      const other = await stage.play('other')
      type Failed = Promise<{ error: Error }>
      const failed = nextEvent(stage.system, 'failed') as Failed
      await l.ask.failLater(1)
      assert.match((await failed).error.message, 'a bug in a timer')
      await stage.restarts.until('system/l')
      await l.ask.failOnDeathOf(other)
      const failedAgain = nextEvent(stage.system, 'failed') as Failed
      await stage.system.stop(other)
      assert.match((await failedAgain).error.message, 'a bug in a watch')
      await stage.restarts.until('system/l', 2)
    },

    'what is cancelled does not come, though it was in line already': async (stage) => {
      const l = await lodger(stage)
      const other = await stage.play('other')
      const gate = await stage.gate()
      const held = l.ask.cancelWhatIsInLine({ door: gate.ref, other })
      await gate.arrived()
      await stage.system.stop(other)
      await stage.system.accounts()
      gate.open()
      await held
      l.tell.say('after all that')
      await stage.lines.until('after all that')
      const said = stage.lines.all.filter((line) => !line.startsWith('other:'))
      assert.equal(said, ['start', 'after all that'])
    },

    'a watch ends with the incarnation, and a restart of the other is no end': async (stage) => {
      const l = await lodger(stage, { restart: often })
      const other = await stage.play('other', {}, { restart: often })
      await l.ask.watch(other)
      await rejection(other.ask.fault(), 'ACTOR_FAILED')
      await stage.restarts.until('system/other')
      await rejection(l.ask.fault(), 'ACTOR_FAILED')
      await stage.restarts.until('system/l')
      await l.ask.watch(other)
      await stage.system.stop(other)
      await stage.lines.until('system/other stopped')
      await l.ask.echo(1)
      assert.is(stage.lines.count('system/other stopped'), 1, 'by the second incarnation alone')
    },

    'a watch of one that is gone tells how it ended': async (stage) => {
      const l = await lodger(stage)
      const ends = {
        stopped: (ref: { path: string }) => stage.system.stop(ref),
        killed: (ref: { path: string }) => stage.system.kill(ref),
      }
      for (const [reason, end] of Object.entries(ends)) {
        const player = await stage.play(reason)
        await end(player)
        await l.ask.watch(player)
        await stage.lines.until(`system/${reason} ${reason}`)
        assert.is((await downOf(stage.system, player)).reason, reason)
      }
      const failed = await stage.play('failed')
      const down = downOf(stage.system, failed)
      await rejection(failed.ask.fault(), 'ACTOR_FAILED')
      await down
      await l.ask.watch(failed)
      await stage.lines.until('system/failed failed')
    },

    'who hears of an end finds the name free': async (stage) => {
      const log = await stage.log
      for (const end of ['stop', 'kill', 'fail'] as const) {
        const player = await stage.play('p')
        const again = new Promise<{ path: string }>((resolve, reject) => {
          const anew = () => stage.system.spawn(Player, { as: 'p', log }, { name: 'p' })
          stage.system.watch(player, () => void anew().then(resolve, reject))
        })
        if (end === 'fail') await rejection(player.ask.fault(), 'ACTOR_FAILED')
        else await stage.system[end](player)
        await stage.system.stop(await again)
      }
    },

    'a watcher that throws is told of, and the others still hear': async (stage) => {
      const player = await stage.play('p')
      const failed = nextEvent(stage.system, 'failed') as Promise<{ path: string; error: Error }>
      stage.system.watch(player, () => {
        throw new TypeError('a bug in a watcher')
      })
      const down = downOf(stage.system, player)
      const twice: string[] = []
      const note = ({ reason }: { reason: string }): void => void twice.push(reason)
      stage.system.watch(player, note)
      const unwatch = stage.system.watch(player, note)
      unwatch()
      await stage.system.stop(player)
      assert.is((await down).reason, 'stopped')
      assert.is((await failed).path, 'system')
      assert.match((await failed).error.message, 'a bug in a watcher')
      assert.equal(twice, ['stopped'], 'each watch is one of its own')
    },
  },

  timedInline: {
    'timers are due when they said, and end with the incarnation': async (stage, clock) => {
      const l = await lodger(stage, { restart: often })
      await l.ask.after({ ms: 10, text: 'after' })
      await l.ask.every({ ms: 4, text: 'every', times: 100 })
      await clock.advance(9)
      assert.equal(stage.lines.all, ['start', 'every', 'every'])
      await clock.advance(1)
      assert.equal(stage.lines.all.slice(3), ['after'])
      await clock.advance(2)
      assert.equal(stage.lines.all.slice(4), ['every'])
      for (const end of ['fail', 'stop', 'kill'] as const) {
        await l.ask.after({ ms: 1, text: 'never' })
        const pending = clock.pending
        assert.ok(pending > 0)
        if (end === 'fail') {
          await rejection(l.ask.fault(), 'ACTOR_FAILED')
          await stage.restarts.until('system/l')
        } else {
          await stage.system[end](l)
          break
        }
        await eventually(() => clock.pending === 0)
      }
      await eventually(() => clock.pending === 0)
      await clock.advance(100)
      assert.not(stage.lines.all.includes('never'))
    },

    'A6 ticks that an actor has no turn for do not pile up': async (stage, clock) => {
      const l = await lodger(stage)
      const gate = await stage.gate()
      await l.ask.every({ ms: 1, text: 'tick', times: 1000 })
      const held = l.ask.hold(gate.ref)
      await gate.arrived()
      await clock.advance(500)
      gate.open()
      await held
      await eventually(() => stage.lines.count('tick') > 0)
      await l.ask.echo(1)
      assert.is(stage.lines.count('tick'), 1)
      await clock.advance(1)
      assert.is(stage.lines.count('tick'), 2)
    },
  },
})
