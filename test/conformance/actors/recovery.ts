import type { Group, Strategy } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { downOf, eventually, rejection } from '../../actors/support.js'
import { patient, theme, type PlayerRef, type Stage } from './stage.js'

const often = { max: 100, withinMs: 60_000 }

async function groupOf(stage: Stage, strategy: Strategy, restart = often): Promise<Group> {
  await stage.log
  return stage.system.supervise({ name: 'g', strategy, restart })
}

async function fails(player: PlayerRef): Promise<void> {
  await rejection(player.ask.fault(), 'ACTOR_FAILED')
}

/** In which of its lives each player is. */
function lives(stage: Stage, ...names: string[]): number[] {
  return names.map((name) => stage.lines.count(`${name}:start`))
}

function nextFailure(stage: Stage, path: string): Promise<void> {
  return new Promise((resolve) =>
    stage.system.events.on('failed', (event) => {
      if (event.path === path) resolve()
    }),
  )
}

export const recovery = theme('recovery', {
  everywhere: {
    'A5 two children fail at once: nobody starts before both have disposed of what they owned':
      async (stage) => {
        const group = await groupOf(stage, 'one-for-all')
        const gate = await stage.gate()
        const a = await stage.play('a', {}, {}, group)
        const script = { disposeAt: gate.ref, waitsIn: [1] }
        const b = await stage.play('b', script, {}, group)
        await fails(b)
        await gate.arrived()
        await fails(a)
        await stage.lines.until('a:disposed')
        // Time enough for what must not happen.
        await stage.system.accounts()
        assert.equal(lives(stage, 'a', 'b'), [1, 1])
        gate.open()
        await stage.restarts.until('system/g/b')
        assert.equal(stage.lines.all.slice(-4), ['a:disposed', 'b:disposed', 'a:start', 'b:start'])
        assert.equal([await a.ask.life(), await b.ask.life()], [2, 2])
      },

    'a failure while others are being stopped joins the recovery': async (stage) => {
      const group = await groupOf(stage, 'one-for-all')
      const gate = await stage.gate()
      const a = await stage.play('a', {}, {}, group)
      const b = await stage.play('b', {}, {}, group)
      await stage.play('c', { stopAt: gate.ref, waitsIn: [1] }, {}, group)
      await fails(a)
      await gate.arrived()
      await fails(b)
      gate.open()
      await stage.restarts.until('system/g/c')
      assert.equal(lives(stage, 'a', 'b', 'c'), [2, 2, 2], 'each was started once')
      assert.equal(stage.lines.all.slice(-3), ['a:start', 'b:start', 'c:start'])
    },

    'a start that fails in a recovery begins it again with those that it concerns': async (
      stage,
    ) => {
      const group = await groupOf(stage, 'rest-for-one')
      const a = await stage.play('a', {}, {}, group)
      await stage.play('b', { failStart: [2] }, {}, group)
      const c = await stage.play('c', {}, {}, group)
      const begun = stage.lines.all.length
      await fails(a)
      await stage.restarts.until('system/g/c')
      assert.equal(stage.lines.all.slice(begun), [
        'a:disposed',
        'c:stop',
        'c:disposed',
        'b:stop',
        'b:disposed',
        'a:start',
        'b:start',
        'b:disposed',
        'b:start',
        'c:start',
      ])
      assert.equal([await a.ask.life(), await c.ask.life()], [2, 2])
    },

    'a group gives up when a start in a recovery uses up the last restart': async (stage) => {
      const group = await groupOf(stage, 'one-for-all', { max: 2, withinMs: 60_000 })
      const a = await stage.play('a', {}, {}, group)
      const b = await stage.play('b', { failStart: [2, 3, 4, 5] }, {}, group)
      const downs = [downOf(stage.system, a), downOf(stage.system, b)]
      await fails(a)
      const reasons = (await Promise.all(downs)).map(({ reason }) => reason)
      assert.equal(reasons, ['stopped', 'failed'])
      assert.is(lives(stage, 'b')[0], 4, 'the first, the one of a’s recovery, and two of its own')
      await rejection(stage.play('c', {}, {}, group), 'ACTOR_STOPPED')
    },

    'who is spawned during a recovery is not taken along, and belongs to the next one': async (
      stage,
    ) => {
      const group = await groupOf(stage, 'one-for-all')
      const gate = await stage.gate()
      const a = await stage.play('a', {}, {}, group)
      const b = await stage.play('b', { stopAt: gate.ref, waitsIn: [1] }, {}, group)
      await fails(a)
      await gate.arrived()
      const c = await stage.play('c', {}, {}, group)
      gate.open()
      await stage.restarts.until('system/g/b')
      assert.equal(lives(stage, 'a', 'b', 'c'), [2, 2, 1])
      assert.is(await c.ask.life(), 1)
      await fails(b)
      await stage.restarts.until('system/g/c')
      assert.equal(lives(stage, 'a', 'b', 'c'), [3, 3, 2])
    },

    'who is being spawned when another fails starts, and is then restarted with the others': async (
      stage,
    ) => {
      const group = await groupOf(stage, 'one-for-all')
      const gate = await stage.gate()
      const a = await stage.play('a', {}, {}, group)
      const spawning = stage.play('b', { startAt: gate.ref, waitsIn: [1] }, {}, group)
      await gate.arrived()
      await fails(a)
      gate.open()
      const b = await spawning
      await stage.restarts.until('system/g/b')
      assert.equal(lives(stage, 'a', 'b'), [2, 2])
      assert.is(await b.ask.life(), 2)
    },

    'A5 a child that is killed in the midst of a recovery leaves the group': async (stage) => {
      const group = await groupOf(stage, 'one-for-all')
      const gate = await stage.gate()
      const a = await stage.play('a', {}, {}, group)
      // Its stop would hold up the others for ever.
      const stop = { timeoutMs: Infinity }
      const b = await stage.play('b', { stopAt: gate.ref, waitsIn: [1] }, { stop }, group)
      const down = downOf(stage.system, b)
      await fails(a)
      await gate.arrived()
      await stage.system.kill(b)
      assert.is((await down).reason, 'killed')
      await stage.restarts.until('system/g/a')
      assert.equal(lives(stage, 'a', 'b'), [2, 1])
    },
  },

  timed: {
    'a child that is stopped during the back-off stays away; a group that is stopped, too': async (
      stage,
      clock,
    ) => {
      const restart = { max: 5, withinMs: 60_000, backoffMs: 100 }
      const group = await groupOf(stage, 'one-for-all', restart)
      const a = await stage.play('a', {}, patient, group)
      const b = await stage.play('b', {}, patient, group)
      await fails(a)
      await stage.lines.until('b:disposed')
      await eventually(() => clock.pending === 1)
      await rejection(b.ask.echo(1), 'ACTOR_RESTARTING')
      await stage.system.stop(a)
      await rejection(a.ask.echo(1), 'ACTOR_STOPPED')
      await clock.advance(100)
      await stage.restarts.until('system/g/b')
      assert.equal(lives(stage, 'a', 'b'), [1, 2])
      await fails(b)
      await eventually(() => clock.pending === 1)
      await group.stop()
      await eventually(() => clock.pending === 0)
      await rejection(b.ask.echo(1), 'ACTOR_STOPPED')
      assert.equal(lives(stage, 'a', 'b'), [1, 2])
    },
  },

  timedInline: {
    'a failure during the back-off joins: rest-for-one begins at the first that failed': async (
      stage,
      clock,
    ) => {
      const restart = { max: 5, withinMs: 60_000, backoffMs: 100 }
      const group = await groupOf(stage, 'rest-for-one', restart)
      const players: PlayerRef[] = []
      for (const name of ['a', 'b', 'c']) {
        players.push(await stage.play(name, {}, patient, group))
      }
      const [, b, c] = players
      await fails(c)
      await eventually(() => clock.pending === 1)
      await fails(b)
      await stage.lines.until('b:disposed')
      await eventually(() => clock.pending === 1)
      await clock.advance(100)
      assert.equal(lives(stage, 'a', 'b', 'c'), [1, 1, 1], 'b waits for its own back-off')
      await eventually(() => clock.pending === 1)
      await clock.advance(100)
      await stage.restarts.until('system/g/c')
      assert.equal(lives(stage, 'a', 'b', 'c'), [1, 2, 2])
    },

    'A5 a child whose disposal does not end is quarantined, not restarted': async (
      stage,
      clock,
    ) => {
      const group = await groupOf(stage, 'one-for-all')
      const gate = await stage.gate()
      const a = await stage.play('a', {}, {}, group)
      const stop = { timeoutMs: 50, exitMs: 50 }
      const b = await stage.play('b', { disposeAt: gate.ref }, { stop }, group)
      const [quarantined, escalated] = [stage.events('quarantined'), stage.events('escalated')]
      const down = downOf(stage.system, b)
      const failed = nextFailure(stage, 'system/g/a')
      await fails(a)
      await failed
      await gate.arrived()
      await clock.advance(100)
      assert.is((await down).reason, 'quarantined')
      assert.is((await down).error?.name, 'KaitianError')
      assert.equal(quarantined, ['system/g/b'])
      await eventually(() => escalated.length === 1)
      assert.equal(lives(stage, 'a', 'b'), [1, 1])
      await rejection(b.ask.echo(1), 'ACTOR_QUARANTINED')
      gate.open()
      await rejection(stage.system.dispose(), 'ACTOR_QUARANTINED')
    },
  },
})
