import type { Ref, SpawnOptions } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { eventually, nextEvent, rejection } from '../../actors/support.js'
import { Lodger, type LodgerProtocol } from './fixtures/lodger.js'
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

const lifo = ['4 disposed', '3 disposed', '2 disposed', '1 disposed']

export const lifecycle = theme('what an actor owns', {
  everywhere: {
    'it is disposed of after stop, last in, first out, by its most specific method': async (
      stage,
    ) => {
      const l = await lodger(stage)
      await l.ask.ownEach(0)
      await stage.system.stop(l)
      assert.equal(stage.lines.all, ['start', 'stop', ...lifo])
    },

    'and in a failure, before the next incarnation starts (A5)': async (stage) => {
      const l = await lodger(stage, { restart: often })
      await l.ask.ownEach(0)
      const restarted = nextEvent(stage.system, 'restarted')
      await rejection(l.ask.fault(), 'ACTOR_FAILED')
      await restarted
      assert.equal(stage.lines.all, ['start', ...lifo, 'start'])
    },

    'A5 a slow disposal holds up the next incarnation': async (stage) => {
      const gate = await stage.gate()
      const script = { disposeAt: gate.ref, waitsIn: [1] }
      const player = await stage.play('p', script, { restart: often })
      await rejection(player.ask.fault(), 'ACTOR_FAILED')
      await gate.arrived()
      await stage.system.accounts()
      assert.equal(stage.lines.all, ['p:start'])
      gate.open()
      await stage.restarts.until('system/p')
      assert.equal(stage.lines.all, ['p:start', 'p:disposed', 'p:start'])
    },

    'what throws in its disposal is told, and holds up nothing': async (stage) => {
      for (const failing of [2, 3]) {
        const l = await lodger(stage)
        await l.ask.ownEach(failing)
        const failed = nextEvent(stage.system, 'failed') as Promise<{ path: string; error: Error }>
        await stage.system.stop(l)
        assert.equal(stage.lines.all.splice(0), ['start', 'stop', ...lifo])
        assert.is((await failed).path, 'system/l')
        assert.match((await failed).error.message, `${failing} failed`)
      }
    },

    'what is acquired in stop is disposed of, too': async (stage) => {
      const l = await lodger(stage)
      await l.ask.ownInStop()
      await stage.system.stop(l)
      assert.equal(stage.lines.all, ['start', 'stop', 'late disposed'])
    },

    'A7 after dispose no handle, timer, port, thread or process remains': async (stage) => {
      const before = handles()
      const l = await lodger(stage, { restart: { ...often, backoffMs: 600_000 } })
      const player = await stage.play('p')
      const group = stage.system.supervise({ strategy: 'one-for-all', restart: often })
      const member = await stage.play('member', {}, {}, group)
      const parent = await stage.raise('parent', {
        children: [{ name: 'child' }, { name: 'apart', on: 'thread' }],
      })
      await player.ask.watch(member)
      await parent.ask.echo(await parent.ask.child('apart'))
      await l.ask.ownEach(0)
      await l.ask.after({ ms: 600_000, text: 'never' })
      await l.ask.every({ ms: 600_000, text: 'never', times: 9 })
      await player.ask.echo(1, { timeoutMs: 600_000, signal: new AbortController().signal })
      const items = player.flow.openTake(1)
      await items.next()
      await rejection(l.ask.fault(), 'ACTOR_FAILED')
      await rejection(member.ask.fault(), 'ACTOR_FAILED')
      const gate = await stage.gate()
      const held = player.ask.hold(gate.ref, { timeoutMs: 600_000 }).catch(() => undefined)
      await gate.arrived()
      await stage.system.kill(player)
      await held
      await stage.system.dispose()
      assert.equal(handles(), before)
    },
  },

  inline: {
    'a kill disposes of it, too': async (stage) => {
      const l = await lodger(stage)
      await l.ask.ownEach(3)
      const failed = nextEvent(stage.system, 'failed')
      await stage.system.kill(l)
      assert.equal(stage.lines.all, ['start', ...lifo])
      assert.match(((await failed) as { error: Error }).error.message, '3 failed')
    },

    'what is acquired after the end is disposed of at once, and own throws': async (stage) => {
      for (const restart of [false, true]) {
        const l = await lodger(stage)
        const gate = await stage.gate()
        const lost = l.ask.ownAt(gate.ref).catch(() => undefined)
        await gate.arrived()
        // Without a declared restart that counts as a failure, the last one.
        await stage.system.kill(l, { restart })
        await lost
        gate.open()
        await eventually(() => stage.lines.all.length === 3)
        const late = ['start', 'late disposed', 'own threw ACTOR_STOPPED']
        assert.equal(stage.lines.all.splice(0), late)
      }
    },
  },
})

/** Open handles but for the test's own, and the output's: kinds of it come and go with what is printed. */
function handles(): string[] {
  const others = ['PipeWrap', 'TTYWrap', 'FSReqCallback', 'WriteWrap', 'Immediate']
  return process
    .getActiveResourcesInfo()
    .filter((kind) => !others.includes(kind))
    .toSorted()
}
