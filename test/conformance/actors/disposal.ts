import type { SpawnOptions } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { downOf, nextEvent, rejection } from '../../actors/support.js'
import { theme, type Gate, type PlayerRef, type Stage } from './stage.js'

const often = { max: 100, withinMs: 60_000 }
const stop = { timeoutMs: 50, abortMs: 20, exitMs: 50 }

/** An actor has failed, and what it owned waits at the gate to be disposed of. */
async function failing(
  stage: Stage,
  options: SpawnOptions,
  spawner: Pick<Stage['system'], 'spawn'> = stage.system,
): Promise<{ player: PlayerRef; gate: Gate }> {
  const gate = await stage.gate()
  const script = { disposeAt: gate.ref, waitsIn: [1] }
  const player = await stage.play(options.name ?? 'p', script, { stop, ...options }, spawner)
  const told = nextEvent(stage.system, 'failed')
  await rejection(player.ask.fault(), 'ACTOR_FAILED')
  await told
  await gate.arrived()
  return { player, gate }
}

/** After a failure: what an actor owned has the limits of a stop to be disposed of. */
export const disposal = theme('disposal after a failure', {
  timed: {
    'A5 a restart waits for it within the limits': async (stage, clock) => {
      const { player, gate } = await failing(stage, { restart: often })
      await clock.advance(49)
      await rejection(player.ask.echo(1), 'ACTOR_RESTARTING')
      assert.is(stage.lines.count('p:start'), 1)
      const restarted = nextEvent(stage.system, 'restarted')
      gate.open()
      await restarted
      assert.equal(stage.lines.all, ['p:start', 'p:disposed', 'p:start'])
      await clock.advance(1000)
      assert.is(await player.ask.life(), 2)
      assert.is(clock.pending, 0)
    },

    'a failed start rejects the spawn, though its disposal never settles': async (stage, clock) => {
      const gate = await stage.gate()
      const script = { disposeAt: gate.ref, failStart: [1] }
      // On a thread or in a process the last phase is real, and takes no virtual time.
      const limits = stage.where.name === 'inline' ? stop : { ...stop, exitMs: Infinity }
      const refused = rejection(stage.play('p', script, { stop: limits }), 'SPAWN_FAILED')
      await gate.arrived()
      await clock.advance(100)
      assert.match((await refused).message, 'failed in start')
      assert.is((await stage.play('p')).path, 'system/p', 'its name is free')
    },
  },

  timedInline: {
    'A5 past the limits it is quarantined, and whoever watches it hears': async (stage, clock) => {
      const { player, gate } = await failing(stage, { restart: often })
      const down = downOf(stage.system, player)
      const told = stage.events('quarantined')
      await clock.advance(99)
      assert.equal(told, [])
      await clock.advance(1)
      assert.equal(told, ['system/p'])
      const { reason, error } = await down
      assert.is(reason, 'quarantined')
      assert.match(String(error?.message), 'What system/p owned is not disposed of')
      assert.match(
        (await rejection(player.ask.echo(1), 'ACTOR_QUARANTINED')).message,
        'What system/p owned',
      )
      gate.open()
      await stage.lines.until('p:disposed')
      await clock.advance(1000)
      assert.is(stage.lines.count('p:start'), 1)
      assert.equal(stage.restarts.all, [])
    },

    'where no incarnation follows, it is let go of, and has failed': async (stage, clock) => {
      const { player } = await failing(stage, {})
      const down = downOf(stage.system, player)
      await clock.advance(100)
      assert.is((await down).reason, 'failed')
      await rejection(player.ask.echo(1), 'ACTOR_STOPPED')
    },

    'A5 its group escalates, and does not wait for ever': async (stage, clock) => {
      await stage.log
      const strategy = 'one-for-all'
      const group = stage.system.supervise({ name: 'g', strategy, restart: often })
      const sibling = await stage.play('sibling', {}, {}, group)
      const [down, escalated] = [downOf(stage.system, sibling), stage.events('escalated')]
      await failing(stage, {}, group)
      await clock.advance(100)
      assert.is((await down).reason, 'stopped')
      assert.equal(escalated, ['system/g'])
      await rejection(stage.play('late', {}, {}, group), 'ACTOR_STOPPED')
    },

    'A5 nor is one started again whose start failed in a restart': async (stage, clock) => {
      const gate = await stage.gate()
      const script = { disposeAt: gate.ref, failStart: [2], waitsIn: [2] }
      const player = await stage.play('p', script, { restart: often, stop })
      const down = downOf(stage.system, player)
      await rejection(player.ask.fault(), 'ACTOR_FAILED')
      await gate.arrived()
      await clock.advance(100)
      assert.is((await down).reason, 'quarantined')
      assert.is(stage.lines.count('p:start'), 2)
    },

    'a stop or a kill meanwhile has limits of its own': async (stage, clock) => {
      for (const end of ['stop', 'kill'] as const) {
        const { player } = await failing(stage, { restart: often, name: end })
        const down = downOf(stage.system, player)
        const ended =
          end === 'stop' ? stage.system.stop(player, { timeoutMs: 10 }) : stage.system.kill(player)
        await clock.advance(end === 'stop' ? 60 : 50)
        await ended
        assert.is((await down).reason, 'killed')
        await clock.advance(1000)
        assert.equal(stage.restarts.all, [])
        assert.is(clock.pending, 0)
      }
    },

    'A5 one that fails while its group stops it has the limits of that stop': async (
      stage,
      clock,
    ) => {
      await stage.log
      const group = stage.system.supervise({ name: 'g', strategy: 'one-for-all', restart: often })
      const [door, shut] = [await stage.gate(), await stage.gate()]
      const first = await stage.play('first', {}, { stop }, group)
      const script = { disposeAt: shut.ref, waitsIn: [1] }
      const second = await stage.play('second', script, { stop }, group)
      const held = rejection(second.ask.failAt(door.ref), 'ACTOR_FAILED')
      await door.arrived()
      await rejection(first.ask.fault(), 'ACTOR_FAILED')
      const down = downOf(stage.system, second)
      door.open()
      await held
      await shut.arrived()
      await clock.advance(100)
      assert.is((await down).reason, 'quarantined')
      await rejection(first.ask.echo(1), 'ACTOR_STOPPED')
    },

    'a kill that is to restart it changes nothing of that': async (stage, clock) => {
      const { player, gate } = await failing(stage, { restart: often })
      await stage.system.kill(player, { restart: true })
      await clock.advance(49)
      const restarted = nextEvent(stage.system, 'restarted')
      gate.open()
      await restarted
      assert.equal(stage.lines.all, ['p:start', 'p:disposed', 'p:start'])
    },
  },

  timedApart: {
    'past the limits its thread or process is ended by force, and it is started again': async (
      stage,
      clock,
    ) => {
      const { player } = await failing(stage, { restart: often })
      const restarted = nextEvent(stage.system, 'restarted')
      await clock.advance(stop.timeoutMs + stop.abortMs)
      await restarted
      assert.is(await player.ask.life(), 2)
      assert.equal(stage.lines.all, ['p:start', 'p:start'])
    },

    'where no incarnation follows, it has failed': async (stage, clock) => {
      const { player } = await failing(stage, {})
      const down = downOf(stage.system, player)
      await clock.advance(stop.timeoutMs + stop.abortMs)
      assert.is((await down).reason, 'failed')
    },
  },
})
