import type { SystemEvents } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { downOf, eventually, nextEvent, rejection } from '../../actors/support.js'
import { patient, theme, type PlayerRef, type Stage } from './stage.js'

const often = { max: 100, withinMs: 60_000 }

/** Fails it and waits until it is back. */
async function failAndReturn(stage: Stage, player: PlayerRef): Promise<void> {
  const restarted = nextEvent(stage.system, 'restarted')
  await rejection(player.ask.fault(), 'ACTOR_FAILED')
  await restarted
}

/** Calls back with a path at which there is a file, while `exists` says so. */
async function withMarker(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kaitian-'))
  try {
    await body(join(folder, 'marker'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Every event of these names, as text. */
function eventsOf(stage: Stage, ...names: (keyof SystemEvents)[]): string[] {
  const events: string[] = []
  for (const name of names) {
    stage.system.events.on(name, (event: { path?: string; reason?: string }) =>
      events.push(`${name} ${event.path} ${event.reason ?? ''}`.trim()),
    )
  }
  return events
}

export const supervision = theme('supervision', {
  everywhere: {
    'with a limit of 0 the first failure is the last': async (stage) => {
      const restart = { max: 0, withinMs: 1000 }
      const player = await stage.play('p', {}, { restart })
      const down = downOf(stage.system, player)
      await rejection(player.ask.fault(), 'ACTOR_FAILED')
      assert.is((await down).reason, 'failed')
      assert.match(String((await down).error?.message), 'a bug')
      assert.equal(stage.lines.all, ['p:start', 'p:disposed'])
    },

    'a failing actor’s children stop, the last started first; its own stop does not run': async (
      stage,
    ) => {
      const { kind } = stage.where
      const children = [{ name: 'first' }, { name: 'second', on: kind }, { name: 'third' }]
      const parent = await stage.raise('p', { children }, { restart: often })
      const begun = stage.lines.all.length
      const restarted = nextEvent(stage.system, 'restarted')
      await rejection(parent.ask.fault(), 'ACTOR_FAILED')
      await restarted
      const ends = ['third', 'second', 'first'].flatMap((child) => [
        `${child}:stop`,
        `${child}:disposed`,
      ])
      const starts = ['p:start', 'first:start', 'second:start', 'third:start']
      assert.equal(stage.lines.all.slice(begun), [...ends, 'p:disposed', ...starts])
      const first = await parent.ask.child('first')
      assert.is(await first.ask.life(), 2, 'children of a new life are new')
    },

    'a tell that throws fails the actor too, and the event says what it threw': async (stage) => {
      const player = await stage.play('p', {}, { restart: often })
      const failed = nextEvent(stage.system, 'failed') as Promise<{ error: Error }>
      const restarted = nextEvent(stage.system, 'restarted')
      player.tell.faultTell()
      assert.match((await failed).error.message, 'system/p failed in "faultTell": a bug')
      assert.equal(await restarted, { path: 'system/p', restarts: 1 })
      assert.is(await player.ask.life(), 2)
    },

    'names are unique among siblings while they live': async (stage) => {
      const first = await stage.play('p')
      assert.is(first.path, 'system/p')
      await rejection(stage.play('p'), 'BAD_ARGUMENT')
      await rejection(stage.play('p/q'), 'BAD_ARGUMENT')
      await stage.system.stop(first)
      assert.is((await stage.play('p')).path, 'system/p')
    },

    'a child that fails touches neither its parent nor its siblings': async (stage) => {
      const parent = await stage.raise('p', { children: [{ name: 'a' }, { name: 'b' }] })
      const [a, b] = [await parent.ask.child('a'), await parent.ask.child('b')]
      await rejection(a.ask.fault(), 'ACTOR_FAILED')
      assert.is(await b.ask.life(), 1)
      assert.is(await parent.ask.echo(1), 1)
    },

    'a constructor that fails refuses the spawn; in a restart it is one more failure': (stage) =>
      withMarker(async (failWhile) => {
        await writeFile(failWhile, '')
        const error = await rejection(stage.play('p', { failWhile }), 'SPAWN_FAILED')
        assert.match(error.message, 'failed in the constructor')
        assert.is((error.cause as Error).name, 'RangeError')
        await rm(failWhile)
        const restart = { max: 3, withinMs: 60_000 }
        const player = await stage.play('p', { failWhile }, { restart })
        const events = eventsOf(stage, 'failed', 'restarted', 'stopped')
        const down = downOf(stage.system, player)
        await writeFile(failWhile, '')
        await rejection(player.ask.fault(), 'ACTOR_FAILED')
        assert.is((await down).reason, 'failed')
        assert.equal((await down).error?.name, 'KaitianError')
        await eventually(() => events.length > 4)
        const failed = Array.from({ length: 4 }, () => 'failed system/p')
        assert.equal(events, [...failed, 'stopped system/p failed'], 'the fault and three starts')
        assert.equal(stage.lines.all, ['p:start', 'p:disposed'])
      }),

    'a start that fails disposes of what was owned, and is one more failure in a restart': async (
      stage,
    ) => {
      const never = stage.play('never', { failStart: [1] })
      const error = await rejection(never, 'SPAWN_FAILED')
      assert.match(error.message, 'failed in start')
      assert.equal(stage.lines.all.splice(0), ['never:start', 'never:disposed'])
      const restart = { max: 3, withinMs: 60_000 }
      const player = await stage.play('p', { failStart: [2, 3] }, { restart })
      await failAndReturn(stage, player)
      assert.is(await player.ask.life(), 4)
      const life = ['p:start', 'p:disposed']
      assert.equal(stage.lines.all, [...life, ...life, ...life, 'p:start'])
    },

    'a kill that counts as a failure in the midst of a start begins one incarnation, not two':
      async (stage) => {
        const gate = await stage.gate()
        const script = { startAt: gate.ref, waitsIn: [2] }
        const player = await stage.play('p', script, { restart: often })
        const events = eventsOf(stage, 'restarted', 'failed')
        await rejection(player.ask.fault(), 'ACTOR_FAILED')
        await gate.arrived()
        const restarted = nextEvent(stage.system, 'restarted')
        await stage.system.kill(player, { restart: true })
        await restarted
        assert.is(await player.ask.life(), 3)
        assert.is(stage.lines.count('p:start'), 3)
        assert.equal(events, ['failed system/p', 'failed system/p', 'restarted system/p'])
      },
  },

  timed: {
    'the back-off doubles up to its maximum': async (stage, clock) => {
      const restart = { max: 10, withinMs: 100_000, backoffMs: 100, maxBackoffMs: 350 }
      const player = await stage.play('p', {}, { restart, ...patient })
      const waits: number[] = []
      for (let n = 0; n < 4; n++) {
        await rejection(player.ask.fault(), 'ACTOR_FAILED')
        await eventually(() => clock.pending === 1)
        const failedAt = clock.now()
        const restarted = nextEvent(stage.system, 'restarted')
        await clock.advanceToNext()
        assert.equal(await restarted, { path: 'system/p', restarts: n + 1 })
        waits.push(clock.now() - failedAt)
      }
      assert.equal(waits, [100, 200, 350, 350])
    },

    'when the window has passed, the limit and the back-off begin anew': async (stage, clock) => {
      const restart = { max: 2, withinMs: 1000, backoffMs: 10 }
      const player = await stage.play('p', {}, { restart, ...patient })
      const fail = async (waitMs: number): Promise<void> => {
        await rejection(player.ask.fault(), 'ACTOR_FAILED')
        await eventually(() => clock.pending === 1)
        const failedAt = clock.now()
        const restarted = nextEvent(stage.system, 'restarted')
        await clock.advanceToNext()
        await restarted
        assert.is(clock.now() - failedAt, waitMs)
      }
      await fail(10)
      await fail(20)
      await clock.advance(1000)
      await fail(10)
      await fail(20)
      const down = downOf(stage.system, player)
      await rejection(player.ask.fault(), 'ACTOR_FAILED')
      assert.is((await down).reason, 'failed', 'a third one within the window')
    },

    'a kill or a stop during the back-off ends it, and leaves no timer': async (stage, clock) => {
      for (const [end, reason] of [
        ['kill', 'killed'],
        ['stop', 'stopped'],
      ] as const) {
        const restart = { max: 3, withinMs: 1000, backoffMs: 100 }
        const player = await stage.play(end, {}, { restart, ...patient })
        const down = downOf(stage.system, player)
        await rejection(player.ask.fault(), 'ACTOR_FAILED')
        await eventually(() => clock.pending === 1)
        await stage.system[end](player)
        assert.is((await down).reason, reason)
        await eventually(() => clock.pending === 0)
        assert.is(stage.lines.count(`${end}:start`), 1)
      }
    },
  },
})
