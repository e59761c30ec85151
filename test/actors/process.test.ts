import type { Ref, RestartOptions, System } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Settler, type Neighbour, type SettlerArgs } from './fixtures/settler.js'
import { eventually, nextEvent, rejection, withSystem } from './support.js'

const test = suite('processes and threads')

const module = new URL('./fixtures/settler.js', import.meta.url)
const apart = { process: { process: module }, thread: { thread: module } }
const restart: RestartOptions = { max: 100, withinMs: 60_000 }

type SettlerRef = Ref<typeof Settler.protocol>

function settle(
  system: System,
  on: keyof typeof apart,
  name: string,
  args: SettlerArgs = {},
): Promise<SettlerRef> {
  return system.spawn(Settler, args, { name, on: apart[on], restart })
}

/**
 * Each reaches each other, the last named begins. One after the other: a handler that waits holds
 * its mailbox.
 */
async function allTalk(...all: readonly (SettlerRef | Neighbour)[]): Promise<void> {
  for (const one of all.toReversed()) {
    for (const other of all) {
      if (one === other) continue
      const value = `${one.path} to ${other.path}`
      assert.is(await (one as SettlerRef).ask.askOther({ other, value }), value)
    }
  }
}

async function restarted(system: System, ref: SettlerRef): Promise<void> {
  const back = nextEvent(system, 'restarted')
  await system.kill(ref, { restart: true })
  await back
}

test(
  'actors in processes spawn threads and processes, and all talk to each other',
  withSystem(async (system) => {
    const thread = { name: 'kid', on: 'thread', args: { child: { name: 'kid', on: 'thread' } } }
    const process = { name: 'kid', on: 'process', args: { child: { name: 'kid', on: 'inline' } } }
    const [p, q, t, here] = await Promise.all([
      settle(system, 'process', 'p', { child: thread } as SettlerArgs),
      settle(system, 'process', 'q', { child: process } as SettlerArgs),
      settle(system, 'thread', 't', { child: process } as SettlerArgs),
      system.spawn(Settler, {}, { name: 'here' }),
    ])
    const children = await Promise.all([p, q, t].map((parent) => parent.ask.child()))
    const kids = children as SettlerRef[]
    const all = [p, q, t, here, ...kids, ...(await Promise.all(kids.map((kid) => kid.ask.child())))]
    await allTalk(...all)
    const homes = await Promise.all(all.map((ref) => ref.ask.home()))
    assert.is(new Set(homes.map(({ pid }) => pid)).size, 5, 'of this one, p, q and two kids')
    assert.is(new Set(homes.map(({ pid, thread: id }) => `${pid} ${id}`)).size, 8)
  }),
)

test(
  'whoever talks to a process, a thread or their children does so again after a restart',
  withSystem(async (system) => {
    const child = { name: 'kid', on: 'thread' } as const
    const [p, q, t] = await Promise.all([
      settle(system, 'process', 'p', { child }),
      settle(system, 'process', 'q', { child }),
      settle(system, 'thread', 't', { child }),
    ])
    const kids = (): Promise<Neighbour[]> => Promise.all([p, q, t].map((ref) => ref.ask.child()))
    for (const victim of [p, t, q, p]) {
      await allTalk(p, q, t, ...(await kids()))
      await restarted(system, victim)
      // The others learn of the restart by notices that may come after an ask.
      const others = [p, q, t].filter((ref) => ref !== victim)
      for (const other of others) {
        await eventually(async () => {
          const answer = other.ask.askOther({ other: victim, value: 'back' })
          return (await answer.catch(() => undefined)) === 'back'
        })
      }
    }
    await allTalk(p, q, t, ...(await kids()))
  }),
)

test(
  'the children of an incarnation end with it, and those of the next are others',
  withSystem(async (system) => {
    const child = { name: 'kid', on: 'thread' } as const
    const p = await settle(system, 'process', 'p', { child })
    const first = await p.ask.child()
    assert.is(await first.ask.echo(1), 1)
    await restarted(system, p)
    const second = await p.ask.child()
    assert.is.not(second, first)
    assert.is(second.path, first.path)
    assert.is(await second.ask.echo(2), 2)
    await rejection(first.ask.echo(1), 'THREAD_EXITED')
  }),
)

test.run()
