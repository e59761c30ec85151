import type { ActorSnapshot } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { eventually, rejection } from '../../actors/support.js'
import { Hoarder } from './fixtures/hoarder.js'
import { Stubborn } from './fixtures/stubborn.js'
import { patient, theme, type Stage } from './stage.js'

const hoarderModule = new URL('./fixtures/hoarder.js', import.meta.url)
const stubbornModule = new URL('./fixtures/stubborn.js', import.meta.url)
const neverModule = new URL('./fixtures/broken/never.js', import.meta.url)
const often = { max: 100, withinMs: 60_000 }

/** The snapshot of the actor or group at this path; on a busy machine it may be late to answer. */
async function look(stage: Stage, path: string): Promise<ActorSnapshot> {
  for (;;) {
    const found = await glance(stage, path)
    if (found.state !== 'unresponsive') return found
  }
}

async function glance(stage: Stage, path: string): Promise<ActorSnapshot> {
  let [found]: ActorSnapshot[] = [await stage.system.snapshot()]
  assert.is(found.path, 'system')
  const names = path.split('/').slice(1)
  for (const name of names) {
    const next = found.children.find((child) => child.path === `${found.path}/${name}`)
    if (next === undefined) return assert.unreachable(`no ${name} below ${found.path}`) as never
    found = next
  }
  return found
}

async function becomes(stage: Stage, path: string, state: string): Promise<void> {
  await eventually(async () => (await glance(stage, path)).state === state)
}

export const snapshots = theme('snapshots', {
  everywhere: {
    'an actor with nothing to do': async (stage) => {
      await stage.play('p', {}, { mailbox: { capacity: 7 } })
      assert.equal(await look(stage, 'system/p'), {
        path: 'system/p',
        placement: stage.where.name,
        state: 'idle',
        incarnation: 0,
        restarts: 0,
        mailbox: { depth: 0, capacity: 7, stashed: 0, deferred: 0 },
        children: [],
      })
    },

    'what is in hand, what waits, and for whom the actor itself waits': async (stage) => {
      const player = await stage.play('p')
      const gate = await stage.gate()
      const held = player.ask.hold(gate.ref)
      await gate.arrived()
      for (let n = 0; n < 3; n++) player.tell.take(n)
      const { state, inHand, mailbox, asks } = await look(stage, 'system/p')
      assert.is(state, 'busy')
      assert.is(mailbox?.depth, 3)
      const { forMs, ...message } = inHand ?? { forMs: -1 }
      assert.equal(message, { message: 'hold', kind: 'ask' })
      assert.ok(forMs >= 0)
      assert.equal(asks, [{ to: gate.ref.path, message: 'pass' }])
      gate.open()
      await held
      await player.ask.taken()
      const after = await look(stage, 'system/p')
      assert.is(after.state, 'idle')
      assert.is(after.inHand, undefined)
      assert.is(after.asks, undefined)
      assert.is(after.mailbox?.depth, 0)
    },

    'what is put aside': async (stage) => {
      const on = stage.where.on(hoarderModule)
      const hoarder = await stage.system.spawn(Hoarder, undefined, { name: 'h', on })
      const works = [hoarder.ask.work('a'), hoarder.ask.work('b')]
      assert.equal(await hoarder.ask.done(), [])
      assert.is((await look(stage, 'system/h')).mailbox?.stashed, 2)
      await hoarder.ask.open()
      await Promise.all(works)
      assert.is((await look(stage, 'system/h')).mailbox?.stashed, 0)
    },

    'a start and a stop that take their time': async (stage) => {
      const [start, stop] = [await stage.gate(), await stage.gate()]
      const spawning = stage.play('p', { startAt: start.ref, stopAt: stop.ref })
      await start.arrived()
      assert.is((await look(stage, 'system/p')).state, 'starting')
      start.open()
      const stopping = stage.system.stop(await spawning)
      await stop.arrived()
      assert.is((await look(stage, 'system/p')).state, 'stopping')
      stop.open()
      await stopping
      const { children } = await stage.system.snapshot()
      assert.not(
        children.some(({ path }) => path === 'system/p'),
        'what is gone is not shown',
      )
    },

    'restarts, the last failure, and which incarnation it is': async (stage) => {
      const gate = await stage.gate()
      const script = { disposeAt: gate.ref, waitsIn: [3] }
      const player = await stage.play('p', script, { restart: often })
      for (const times of [1, 2]) {
        await rejection(player.ask.fault(), 'ACTOR_FAILED')
        await stage.restarts.until('system/p', times)
      }
      const { state, incarnation, restarts, lastFailure } = await look(stage, 'system/p')
      assert.equal([state, incarnation, restarts], ['idle', 2, 2])
      assert.is(lastFailure, 'system/p failed in "fault": a bug')
    },

    'children wherever they are, and groups': async (stage) => {
      const { name: where, kind: on, simulated } = stage.where
      const group = { name: 'g', strategy: 'one-for-all', restart: often } as const
      const children = [
        { name: 'inline' },
        { name: 'apart', on: 'thread' as const },
        { name: 'member', inGroup: true, on },
      ]
      const parent = await stage.raise('p', { group, children })
      const gate = await stage.gate()
      const member = await parent.ask.child('member')
      const held = member.ask.hold(gate.ref)
      await gate.arrived()
      const top = await look(stage, 'system/p')
      assert.is(top.placement, where)
      const seen = top.children.map(({ path, placement }) => [path, placement])
      assert.equal(seen, [
        ['system/p/g', 'group'],
        ['system/p/inline', 'inline'],
        ['system/p/apart', simulated ? 'sim-thread' : 'thread'],
      ])
      const below = await look(stage, 'system/p/g/member')
      assert.is(below.placement, where)
      assert.is(below.inHand?.message, 'hold')
      gate.open()
      await held
    },

    'a system that is being disposed of': async (stage) => {
      const gate = await stage.gate()
      await stage.play('p', { stopAt: gate.ref })
      assert.is((await stage.system.snapshot()).state, 'idle')
      const disposed = stage.system.dispose()
      await gate.arrived()
      assert.is((await stage.system.snapshot()).state, 'stopping')
      assert.is((await look(stage, 'system/p')).state, 'stopping')
      gate.open()
      await disposed
    },
  },

  real: {
    'a loop that answers nothing is unresponsive, and holds up no other': async (stage) => {
      const log = await stage.log
      const on = stage.where.on(stubbornModule)
      const stop = { timeoutMs: 1, abortMs: 1 }
      const s = await stage.system.spawn(Stubborn, { log }, { name: 's', on, stop })
      await stage.play('p')
      const gate = await stage.gate()
      const spinning = s.ask.spin(gate.ref).catch(() => undefined)
      await gate.arrived()
      await becomes(stage, 'system/s', 'unresponsive')
      assert.is((await glance(stage, 'system/s')).placement, stage.where.name)
      assert.is((await look(stage, 'system/p')).state, 'idle')
      await stage.system.kill(s)
      await spinning
    },

    'a module that is still being imported is starting': async (stage) => {
      const on = stage.where.on(neverModule)
      const stop = { timeoutMs: 1, abortMs: 1 }
      const log = await stage.log
      const spawning = rejection(
        stage.system.spawn(Stubborn, { log }, { name: 's', on, stop }),
        'SPAWN_FAILED',
      )
      assert.is((await look(stage, 'system/s')).state, 'starting')
      await stage.system.dispose()
      await spawning
    },
  },

  timed: {
    'a back-off, and the failures that the window has forgotten': async (stage, clock) => {
      const restart = { max: 5, withinMs: 1000, backoffMs: 100 }
      const player = await stage.play('p', {}, { restart, ...patient })
      for (const times of [1, 2]) {
        await rejection(player.ask.fault(), 'ACTOR_FAILED')
        await eventually(() => clock.pending === 1)
        const { state, incarnation } = await look(stage, 'system/p')
        assert.equal([state, incarnation], ['restarting', times - 1])
        await clock.advanceToNext()
        await stage.restarts.until('system/p', times)
      }
      assert.is((await look(stage, 'system/p')).restarts, 2)
      await clock.advance(1000)
      assert.is((await look(stage, 'system/p')).restarts, 0)
    },

    'a group whose recovery waits': async (stage, clock) => {
      await stage.log
      const restart = { max: 5, withinMs: 1000, backoffMs: 100 }
      const group = stage.system.supervise({ name: 'g', strategy: 'one-for-all', restart })
      const a = await stage.play('a', {}, patient, group)
      await stage.play('b', {}, patient, group)
      await rejection(a.ask.fault(), 'ACTOR_FAILED')
      await stage.lines.until('b:disposed')
      await eventually(() => clock.pending === 1)
      for (const path of ['system/g', 'system/g/a', 'system/g/b']) {
        await becomes(stage, path, 'restarting')
      }
      await clock.advanceToNext()
      await stage.restarts.until('system/g/b')
      await becomes(stage, 'system/g', 'idle')
    },
  },
})
