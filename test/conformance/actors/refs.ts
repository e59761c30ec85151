import type { Ref, SpawnOptions } from '@kaitian/actors'
import type { KaitianError } from '@kaitian/errors'
import * as assert from 'uvu/assert'
import { downOf, eventually, rejection } from '../../actors/support.js'
import { Peer, type PeerProtocol } from './fixtures/peer.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/peer.js', import.meta.url)
const often = { max: 100, withinMs: 60_000 }

type PeerRef = Ref<typeof PeerProtocol>

function peer(
  stage: Stage,
  name: string,
  options: SpawnOptions = {},
  given?: unknown,
): Promise<PeerRef> {
  const on = stage.where.on(module)
  return stage.system.spawn(Peer, { given }, { name, on, ...options })
}

export const refs = theme('refs', {
  everywhere: {
    'a ref is the same object wherever it comes back: argument, message, reply, item': async (
      stage,
    ) => {
      const here = await peer(stage, 'here', { on: 'inline' })
      const a = await peer(stage, 'a', {}, { list: [here], self: { here } })
      assert.is(await a.ask.self(), a)
      const given = (await a.ask.given()) as { list: unknown[]; self: { here: unknown } }
      assert.is(given.list[0], here)
      assert.is(given.self.here, here)
      const back = (await a.ask.echo({ deep: [{ a, here, n: 1 }] })) as { deep: unknown[] }
      assert.is((back.deep[0] as { a: unknown }).a, a)
      assert.is((back.deep[0] as { here: unknown }).here, here)
      const items: unknown[] = []
      for await (const item of a.flow.items(here)) items.push(item)
      assert.is(items[0], here)
      assert.is((items[1] as { nested: unknown[] }).nested[0], here)
    },

    'a ref may be in a cycle, and more than once': async (stage) => {
      const a = await peer(stage, 'a')
      const circle: { self?: unknown; a: unknown; again: unknown[] } = { a, again: [a] }
      circle.self = circle
      circle.again.push(circle.again, circle)
      const round = (await a.ask.echo(circle)) as typeof circle
      assert.is(round.self, round, 'a cycle stays one')
      assert.is(round.again[1], round.again)
      assert.is(round.again[2], round)
      assert.is(round.a, a)
      assert.is(round.again[0], a)
      assert.is(circle.a, a, 'the sender keeps its own')
    },

    'refs of one actor that came by different ways are one object there, too': async (stage) => {
      const [a, b] = [await peer(stage, 'a'), await peer(stage, 'b')]
      await a.ask.keep(b)
      assert.ok(await a.ask.keeps(b))
      assert.ok(await a.ask.keeps(await b.ask.self()))
      assert.not(await a.ask.keeps(a))
      await a.ask.keep(a)
      assert.ok(await a.ask.keeps((await b.ask.echo(a)) as PeerRef), 'its own, back from elsewhere')
    },

    'a ref stays one when its actor is gone, and says how it ended': async (stage) => {
      const here = await peer(stage, 'here', { on: 'inline' })
      const [a, b] = [await peer(stage, 'a'), await peer(stage, 'b')]
      await a.ask.keep(b)
      await a.ask.echo(here)
      await stage.system.stop(here)
      await stage.system.stop(b)
      assert.is(await a.ask.echo(here), here)
      assert.is(await a.ask.echo(b), b)
      assert.ok(await a.ask.keeps(b))
      for (const other of [here, b]) {
        await eventually(async () => {
          const error = await a.ask
            .echoByOther({ other, value: 1 })
            .catch((reason: KaitianError) => reason)
          return (error as KaitianError).code === 'ACTOR_STOPPED'
        })
        const error = await rejection(a.ask.echoByOther({ other, value: 1 }), 'ACTOR_STOPPED')
        assert.is(error.fields.path, other.path)
      }
    },

    'who meets one that is gone hears how it ended': async (stage) => {
      const here = await peer(stage, 'here', { on: 'inline' })
      const [a, b] = [await peer(stage, 'a'), await peer(stage, 'b')]
      await a.ask.keep(b)
      await stage.system.stop(here)
      await stage.system.stop(b)
      const stranger = await peer(stage, 'stranger')
      for (const other of [here, b]) {
        const late = rejection(stranger.ask.echoByOther({ other, value: 1 }), 'ACTOR_STOPPED')
        assert.equal((await late).fields, { path: other.path, reason: 'stopped' })
      }
    },

    'a ref survives a restart, in every hand': async (stage) => {
      const [a, b] = [await peer(stage, 'a'), await peer(stage, 'b', { restart: often })]
      await a.ask.keep(b)
      assert.is(await a.ask.echoByOther({ other: b, value: 1 }), 1)
      await rejection(b.ask.fault(), 'ACTOR_FAILED')
      await stage.restarts.until('system/b')
      assert.is(await b.ask.self(), b)
      assert.ok(await a.ask.keeps(b))
      // The news of the restart may reach a later than this.
      await eventually(
        async () => (await a.ask.echoByOther({ other: b, value: 2 }).catch(() => 0)) === 2,
      )
    },

    'two that meet both at once lose nothing, and keep the order (A2)': async (stage) => {
      const [a, b] = [await peer(stage, 'a'), await peer(stage, 'b')]
      const until = 400
      await Promise.all([a.ask.burst({ other: b, until }), b.ask.burst({ other: a, until })])
      for (const one of [a, b]) {
        await eventually(async () => (await one.ask.notes()).length === until)
        assert.equal(await one.ask.notes(), [...Array(until).keys()])
      }
    },

    'a child in another thread can be asked, told, watched and stopped from anywhere': async (
      stage,
    ) => {
      const [a, b] = [await peer(stage, 'a'), await peer(stage, 'b')]
      const child = await a.ask.bear('child')
      assert.is(child.path, 'system/a/child')
      assert.is(await child.ask.echo(1), 1)
      assert.is(await b.ask.echoByOther({ other: child, value: 2 }), 2)
      const down = downOf(stage.system, child)
      await b.ask.stopChild(child)
      assert.is((await down).reason, 'stopped')
      const error = await rejection(child.ask.echo(1), 'ACTOR_STOPPED')
      assert.equal(error.fields, { path: 'system/a/child', reason: 'stopped' })
      const late = rejection(b.ask.echoByOther({ other: child, value: 2 }), 'ACTOR_STOPPED')
      assert.is((await late).fields.path, 'system/a/child')
    },

    'a child ends with the life of its parent, and its ref stays that of a dead one': async (
      stage,
    ) => {
      const a = await peer(stage, 'a', { restart: often })
      const child = await a.ask.bear('child')
      const down = downOf(stage.system, child)
      await rejection(a.ask.fault(), 'ACTOR_FAILED')
      await down
      await stage.restarts.until('system/a')
      const next = await a.ask.bear('child')
      assert.is.not(next, child)
      assert.is(await next.ask.echo(1), 1)
      assert.ok(await child.ask.echo(1).catch(() => true))
      assert.ok(['rejected', 'queued'].includes(child.tell.note(1)))
    },

    'a watch of a child in another thread that is gone tells how it ended': async (stage) => {
      const a = await peer(stage, 'a')
      const child = await a.ask.bear('child')
      await stage.system.kill(child)
      assert.is((await downOf(stage.system, child)).reason, 'killed')
    },
  },

  apart: {
    'a ref where refs are not looked for is refused, not emptied': async (stage) => {
      const a = await peer(stage, 'a')
      class Holder {
        readonly ref = a
      }
      for (const value of [new Map([['a', a]]), new Set([a]), new Holder()]) {
        await rejection(a.ask.echo(value), 'MESSAGE_NOT_CLONEABLE')
      }
    },
  },
})
