import type { Ref, StopLimits } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { downOf, nextEvent, rejection } from '../../actors/support.js'
import { Chain } from './fixtures/chain.js'
import { Stubborn, type StubbornProtocol } from './fixtures/stubborn.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/stubborn.js', import.meta.url)
const often = { max: 100, withinMs: 60_000 }
const levels = 10_000

async function stubborn(stage: Stage, stop: StopLimits): Promise<Ref<typeof StubbornProtocol>> {
  const log = await stage.log
  const on = stage.where.on(module)
  return stage.system.spawn(Stubborn, { log }, { name: 's', on, stop })
}

/** Its stop is forced, and what waits for it hears so. */
async function isForced(stage: Stage, message: 'spin' | 'waitForWord'): Promise<void> {
  const s = await stubborn(stage, { timeoutMs: 20, abortMs: 20 })
  const gate = await stage.gate()
  const down = downOf(stage.system, s)
  const lost = rejection(s.ask[message](gate.ref), stage.where.deathCode)
  await gate.arrived()
  await stage.system.stop(s)
  await lost
  assert.is((await down).reason, 'killed')
  assert.equal(stage.lines.all, [])
}

async function isTold(stage: Stage, path: string): Promise<string> {
  return new Promise((resolve) =>
    stage.system.events.on('stopped', (event) => {
      if (event.path === path) resolve(event.reason)
    }),
  )
}

/** A deep tree of this many levels. */
async function chain(stage: Stage, how: 'in start' | 'by messages') {
  const counts = { started: 0, disposed: 0 }
  const below = how === 'in start' ? levels - 1 : 0
  const top = await stage.system.spawn(Chain, { levels: counts, below }, { name: 'n' })
  let lowest = top
  const missing = levels - 1 - below
  for (let n = 0; n < missing; n++) lowest = (await lowest.ask.grow()) as typeof lowest
  assert.is(await lowest.ask.depth(), levels)
  return { top, counts }
}

export const stopping = theme('stopping', {
  everywhere: {
    'what is sent after a graceful stop is refused': async (stage) => {
      const player = await stage.play('p')
      await stage.system.stop(player)
      const letter = nextEvent(stage.system, 'dead-letter') as Promise<{ reason: string }>
      assert.is(player.tell.take(1), 'rejected')
      assert.is((await letter).reason, 'stopped')
      const error = await rejection(player.ask.echo(1), 'ACTOR_STOPPED')
      assert.equal(error.fields, { path: 'system/p', reason: 'stopped' })
      await rejection(player.flow.openTake(1).next(), 'ACTOR_STOPPED')
      await stage.system.stop(player)
      await stage.system.kill(player)
      await stage.system.kill(player, { restart: true })
    },

    'start, stop and disposal may all throw: each is told, and nothing is left': async (stage) => {
      const throwsAll = { failStart: [1], failStop: true, failDispose: true }
      const errors: string[] = []
      stage.system.events.on('failed', ({ error }) => errors.push(error.message))
      const refused = await rejection(stage.play('p', throwsAll), 'SPAWN_FAILED')
      assert.match(refused.message, 'failed in start')
      assert.is(errors.filter((text) => text.includes('failed in disposal')).length, 1)
      const player = await stage.play('p', { failStop: true, failDispose: true })
      const down = downOf(stage.system, player)
      errors.length = 0
      await stage.system.stop(player)
      assert.is((await down).reason, 'stopped')
      assert.is(errors.length, 2)
      assert.match(errors[0], 'failed in stop')
      assert.match(errors[1], 'failed in disposal')
    },

    'a stop during a start lets it finish, and then stops': async (stage) => {
      const gate = await stage.gate()
      const player = await stage.play('p', { startAt: gate.ref, waitsIn: [2] }, { restart: often })
      await rejection(player.ask.fault(), 'ACTOR_FAILED')
      await gate.arrived()
      const begun = stage.lines.all.length
      const stopped = stage.system.stop(player)
      gate.open()
      await stopped
      assert.equal(stage.lines.all.slice(begun), ['p:stop', 'p:disposed'])
      await rejection(player.ask.echo(1), 'ACTOR_STOPPED')
    },

    'a stop during the first start settles the spawn, too': async (stage) => {
      const gate = await stage.gate()
      const spawned = stage.play('p', { startAt: gate.ref, leaveSelf: true })
      await gate.arrived()
      const [self] = stage.lines.refs
      const stopped = stage.system.stop(self)
      gate.open()
      await spawned.catch(() => undefined)
      await stopped
      assert.equal(stage.lines.all, ['p:start', 'p:stop', 'p:disposed'])
      await stage.system.stop(await stage.play('p'))
    },

    'a kill during the first start settles the spawn, and is told as a kill': async (stage) => {
      const gate = await stage.gate()
      const spawned = rejection(
        stage.play('p', { startAt: gate.ref, leaveSelf: true }, { restart: often }),
        'SPAWN_FAILED',
      )
      await gate.arrived()
      const reason = isTold(stage, 'system/p')
      await stage.system.kill(stage.lines.refs[0])
      await spawned
      assert.is(await reason, 'killed')
      assert.is(stage.lines.count('p:start'), 1)
      await stage.system.stop(await stage.play('p'))
    },

    'a disposal of the system waits for a start under way': async (stage) => {
      const gate = await stage.gate()
      const spawned = stage.play('p', { startAt: gate.ref })
      await gate.arrived()
      const disposed = stage.system.dispose()
      await rejection(stage.play('q'), 'SYSTEM_STOPPED')
      gate.open()
      await disposed
      await spawned.catch(() => undefined)
      assert.equal(stage.lines.all, ['p:start', 'p:stop', 'p:disposed'])
      await stage.system.dispose()
    },

    'a disposed system takes no more actors, and its refs reject': async (stage) => {
      const player = await stage.play('p')
      const down = downOf(stage.system, player)
      await stage.system.dispose()
      await stage.system.dispose()
      assert.is((await down).reason, 'stopped')
      await rejection(player.ask.echo(1), 'ACTOR_STOPPED')
      assert.is(player.tell.take(1), 'rejected')
      await rejection(stage.play('q'), 'SYSTEM_STOPPED')
    },

    'a second stop joins the first one, and may hurry it': async (stage) => {
      const gate = await stage.gate()
      const player = await stage.play('p', {}, { stop: { timeoutMs: Infinity, abortMs: 20 } })
      const held = rejection(player.ask.hold(gate.ref), stage.where.deathCode)
      await gate.arrived()
      const down = downOf(stage.system, player)
      const stops = [stage.system.stop(player), stage.system.stop(player)]
      await stage.system.stop(player, { timeoutMs: 20 })
      await Promise.all([...stops, held])
      assert.is((await down).reason, 'killed')
    },

    'a drain that takes too long becomes a kill': async (stage) => {
      const gate = await stage.gate()
      const player = await stage.play('p', {}, { stop: { abortMs: 20 } })
      const lost = [player.ask.hold(gate.ref), player.ask.echo(1)].map((pending) =>
        rejection(pending, stage.where.deathCode),
      )
      await gate.arrived()
      const down = downOf(stage.system, player)
      await stage.system.stop(player, { drain: true, timeoutMs: 20 })
      await Promise.all(lost)
      assert.is((await down).reason, 'killed')
    },

    'an actor that stops itself finishes the message in hand': async (stage) => {
      const s = await stubborn(stage, {})
      const down = downOf(stage.system, s)
      assert.is(await s.ask.stopsItself(), 'finished')
      assert.is((await down).reason, 'stopped')
      assert.equal(stage.lines.all, ['told to stop', 'stop'])
    },

    'a kill takes the children with it': async (stage) => {
      const parent = await stage.raise('p', {
        children: [{ name: 'a' }, { name: 'b', on: stage.where.kind }],
      })
      const downs = []
      for (const name of ['a', 'b']) {
        const child = await parent.ask.child(name)
        downs.push(downOf(stage.system, child))
      }
      await stage.system.kill(parent)
      const reasons = (await Promise.all(downs)).map(({ reason }) => reason)
      assert.equal(reasons, ['killed', 'killed'])
      assert.not(stage.lines.all.some((line) => line.endsWith(':stop')))
    },
  },

  real: {
    'a loop that never ends is ended by force': (stage) => isForced(stage, 'spin'),
  },

  realThread: {
    'who waits for the abort word is woken when its time is up, and ends in good order': async (
      stage,
    ) => {
      const s = await stubborn(stage, { timeoutMs: 20, abortMs: 600_000 })
      const gate = await stage.gate()
      const work = s.ask.waitForWord(gate.ref)
      await gate.arrived()
      const down = downOf(stage.system, s)
      await stage.system.stop(s)
      assert.is(await work, 'ok', 'the message in hand is finished')
      assert.is((await down).reason, 'stopped')
      assert.equal(stage.lines.all, ['stop'])
    },
  },

  inline: Object.fromEntries(
    (['in start', 'by messages'] as const).flatMap((how) =>
      (['stop', 'kill'] as const).map((end) => [
        `${levels} levels, spawned ${how}, end by ${end} without overflowing the stack`,
        async (stage: Stage) => {
          const { top, counts } = await chain(stage, how)
          await stage.system[end](top)
          assert.equal(counts, { started: levels, disposed: levels })
        },
      ]),
    ),
  ),
})
