import type { Group, GroupOptions, Strategy } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { downOf, eventually, rejection } from '../../actors/support.js'
import { theme, type Body, type PlayerRef, type Stage } from './stage.js'

const names = ['a', 'b', 'c'] as const
type Name = (typeof names)[number]
type Trio = Record<Name, PlayerRef>

/** Enough for a test, and not for a loop. */
const thrice = { max: 3, withinMs: 60_000 }
const never = { max: 0, withinMs: 60_000 }

/** One of them, not the one that fails, is inline in any case: a group may mix its placements. */
async function trio(
  stage: Stage,
  options: GroupOptions,
  inline: Name = 'a',
): Promise<{ group: Group; trio: Trio }> {
  // Before the group, so that it ends after it.
  await stage.log
  const group = stage.system.supervise({ name: 'g', ...options })
  const players: PlayerRef[] = []
  for (const name of names) {
    players.push(await stage.play(name, {}, name === inline ? { on: 'inline' } : {}, group))
  }
  const [a, b, c] = players
  return { group, trio: { a, b, c } }
}

/** What a failure of `failing` must lead to, in order. */
const expected: Record<Strategy, Record<Name, string[]>> = {
  'one-for-one': {
    a: ['a:disposed', 'a:start'],
    b: ['b:disposed', 'b:start'],
    c: ['c:disposed', 'c:start'],
  },
  'one-for-all': {
    a: ['a:disposed', ...stops('c', 'b'), 'a:start', 'b:start', 'c:start'],
    b: ['b:disposed', ...stops('c', 'a'), 'a:start', 'b:start', 'c:start'],
    c: ['c:disposed', ...stops('b', 'a'), 'a:start', 'b:start', 'c:start'],
  },
  'rest-for-one': {
    a: ['a:disposed', ...stops('c', 'b'), 'a:start', 'b:start', 'c:start'],
    b: ['b:disposed', ...stops('c'), 'b:start', 'c:start'],
    c: ['c:disposed', 'c:start'],
  },
}

function stops(...players: Name[]): string[] {
  return players.flatMap((name) => [`${name}:stop`, `${name}:disposed`])
}

const recoveries: Record<string, Body> = Object.fromEntries(
  Object.entries(expected).flatMap(([strategy, byName]) =>
    names.map((failing): [string, Body] => [
      `${strategy}: when ${failing} of a, b and c fails`,
      (stage) => recovers(stage, strategy as Strategy, failing, byName[failing]),
    ]),
  ),
)

async function recovers(stage: Stage, strategy: Strategy, failing: Name, lines: string[]) {
  const options = { strategy, restart: thrice }
  const { trio: players } = await trio(stage, options, failing === 'b' ? 'a' : 'b')
  const begun = stage.lines.all.length
  await rejection(players[failing].ask.fault(), 'ACTOR_FAILED')
  const restarted = lines.filter((line) => line.endsWith(':start')).map((line) => line[0])
  for (const name of restarted) await stage.restarts.until(`system/g/${name}`)
  assert.equal(stage.lines.all.slice(begun), lines)
  for (const name of names) {
    assert.is(await players[name].ask.life(), restarted.includes(name) ? 2 : 1, 'by the same ref')
  }
}

/** The group's children and then the group are gone; others live on. */
async function gaveUp(stage: Stage, strategy: Strategy): Promise<void> {
  const outsider = await stage.play('outsider')
  const { group, trio: players } = await trio(stage, { strategy, restart: never })
  const downs = names.map(async (name) => (await downOf(stage.system, players[name])).reason)
  const escalated = new Promise<{ path: string; error: Error }>((resolve) =>
    stage.system.events.once('escalated', resolve),
  )
  const begun = stage.lines.all.length
  await rejection(players.b.ask.fault(), 'ACTOR_FAILED')
  const { path, error } = await escalated
  assert.is(path, 'system/g')
  assert.match(error.message, 'system/g/b')
  assert.match((error.cause as Error).message, 'a bug')
  assert.equal(await Promise.all(downs), ['stopped', 'failed', 'stopped'])
  assert.equal(stage.lines.all.slice(begun), ['b:disposed', ...stops('c', 'a')])
  await rejection(players.a.ask.echo(1), 'ACTOR_STOPPED')
  await rejection(stage.play('d', {}, {}, group), 'ACTOR_STOPPED')
  await eventually(async () => (await stage.system.snapshot()).children.every(isNot('system/g')))
  assert.is(await outsider.ask.life(), 1)
}

function isNot(path: string): (other: { path: string }) => boolean {
  return (other) => other.path !== path
}

/** Who is restarted, and in which order. */
export const strategies = theme('strategies', { everywhere: recoveries })

export const groups = theme('groups', {
  everywhere: {
    'one-for-one: without a restart left the group stops its children and is gone': (stage) =>
      gaveUp(stage, 'one-for-one'),
    'one-for-all: likewise': (stage) => gaveUp(stage, 'one-for-all'),
    'rest-for-one: likewise': (stage) => gaveUp(stage, 'rest-for-one'),

    'the intensity is counted for each child, and one may have its own': async (stage) => {
      const restart = { max: 1, withinMs: 60_000 }
      const { group, trio: players } = await trio(stage, { strategy: 'one-for-one', restart })
      const own = await stage.play('own', {}, { restart: { ...restart, max: 2 } }, group)
      for (const name of names) {
        await rejection(players[name].ask.fault(), 'ACTOR_FAILED')
        await stage.restarts.until(`system/g/${name}`)
      }
      for (const times of [1, 2]) {
        await rejection(own.ask.fault(), 'ACTOR_FAILED')
        await stage.restarts.until('system/g/own', times)
      }
      const down = downOf(stage.system, own)
      await rejection(players.a.ask.fault(), 'ACTOR_FAILED')
      assert.is((await down).reason, 'stopped', 'the second failure of a ends the group')
    },

    'a child that is stopped or killed leaves the group, and its name is free': async (stage) => {
      const { group, trio: players } = await trio(stage, {
        strategy: 'one-for-all',
        restart: thrice,
      })
      await stage.system.stop(players.a)
      await stage.system.kill(players.c)
      assert.is(await players.b.ask.life(), 1)
      const begun = stage.lines.all.length
      await rejection(players.b.ask.fault(), 'ACTOR_FAILED')
      await stage.restarts.until('system/g/b')
      assert.equal(stage.lines.all.slice(begun), ['b:disposed', 'b:start'])
      const again = await stage.play('a', {}, {}, group)
      assert.is(again.path, 'system/g/a')
      await rejection(stage.play('b', {}, {}, group), 'BAD_ARGUMENT')
    },

    'a kill that counts as a failure is one to the group': async (stage) => {
      const { trio: players } = await trio(stage, { strategy: 'rest-for-one', restart: thrice })
      await stage.system.kill(players.b, { restart: true })
      await stage.restarts.until('system/g/c')
      assert.is(await players.b.ask.life(), 2)
      assert.is(await players.a.ask.life(), 1)
    },

    'stop of a group stops its children, the last started first, and it takes no more': async (
      stage,
    ) => {
      const { group } = await trio(stage, { strategy: 'one-for-one', restart: thrice })
      const begun = stage.lines.all.length
      await group.stop()
      assert.equal(stage.lines.all.slice(begun), stops('c', 'b', 'a'))
      await group.stop()
      await rejection(stage.play('d', {}, {}, group), 'ACTOR_STOPPED')
      await trio(stage, { strategy: 'one-for-one', restart: thrice })
    },

    'a spawn in a group that fails is no failure of the group': async (stage) => {
      const { group, trio: players } = await trio(stage, {
        strategy: 'one-for-all',
        restart: never,
      })
      await rejection(stage.play('d', { failStart: [1] }, {}, group), 'SPAWN_FAILED')
      for (const name of names) assert.is(await players[name].ask.life(), 1)
    },
  },

  inline: {
    'what cannot be a group is refused': async (stage) => {
      const refused = async (options: Partial<GroupOptions>): Promise<void> => {
        const all: GroupOptions = { strategy: 'one-for-one', restart: thrice, ...options }
        const made = (async () => stage.system.supervise(all))()
        await rejection(made, 'BAD_ARGUMENT')
      }
      await refused({ strategy: 'two-for-one' as Strategy })
      await refused({ restart: undefined as never })
      await refused({ restart: { max: -1, withinMs: 1 } })
      await refused({ restart: { max: 1, withinMs: 0 } })
      await refused({ name: 'a/b' })
      stage.system.supervise({ name: 'g', strategy: 'one-for-one', restart: thrice })
      await refused({ name: 'g' })
    },
  },
})
