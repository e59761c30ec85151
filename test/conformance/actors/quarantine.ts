import {
  createSystem,
  type ActorRef,
  type Down,
  type Ref,
  type SpawnOptions,
} from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { Gate } from '../../actors/fixtures/shared-log.js'
import { downOf, rejection } from '../../actors/support.js'
import { Stubborn, type StubbornProtocol } from './fixtures/stubborn.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/stubborn.js', import.meta.url)
const often = { max: 100, withinMs: 60_000 }
/** Nothing ends as fast as that. */
const hasty = { timeoutMs: 1, abortMs: 1, exitMs: 1 }
/** Native code that takes far longer than all these limits together. */
const rounds = 600_000

type StubbornRef = Ref<typeof StubbornProtocol>

async function stubborn(
  stage: Stage,
  options: SpawnOptions = {},
  spawner: Pick<Stage['system'], 'spawn'> = stage.system,
): Promise<StubbornRef> {
  const log = await stage.log
  const on = stage.where.on(module)
  return spawner.spawn(Stubborn, { log }, { name: 's', on, stop: hasty, ...options })
}

/** Its thread is in native code when this returns; one ask is in hand, and one waits. */
async function blocked(s: StubbornRef): Promise<{ codes: Promise<unknown[]> }> {
  const gate = new Gate()
  const asks = [s.ask.block({ cells: gate.cells, rounds }), s.ask.echo(1)]
  const codes = asks.map((ask) => ask.catch((error: { code: string }) => error.code))
  await gate.arrived()
  return { codes: Promise.all(codes) }
}

async function isQuarantined(s: ActorRef, down: Promise<Down>): Promise<void> {
  const { ref, reason, error } = await down
  assert.is(ref, s)
  assert.is(reason, 'quarantined')
  assert.is((error as { code?: string } | undefined)?.code, 'ACTOR_QUARANTINED')
  assert.match(String(error?.message), s.path)
}

export const quarantine = theme('quarantine', {
  realThread: {
    'A3 a killed thread in native code: asks settle at once, watchers hear `quarantined`': async (
      stage,
    ) => {
      const s = await stubborn(stage, { restart: often })
      const [told, downs] = [stage.events('quarantined'), [downOf(stage.system, s)]]
      const { codes } = await blocked(s)
      const killed = stage.system.kill(s)
      assert.equal(await codes, ['THREAD_EXITED', 'THREAD_EXITED'])
      await rejection(s.ask.echo(2), 'THREAD_EXITED')
      await killed
      downs.push(downOf(stage.system, s))
      for (const down of downs) await isQuarantined(s, down)
      assert.equal(told, ['system/s'])
      await rejection(s.ask.echo(3), 'ACTOR_QUARANTINED')
      assert.equal(stage.restarts.all, [])
    },

    'a stop goes through all its phases': async (stage) => {
      const s = await stubborn(stage)
      const down = downOf(stage.system, s)
      await blocked(s)
      await stage.system.stop(s)
      await isQuarantined(s, down)
    },

    'A5 there is no new incarnation beside it, though a restart was declared': async (stage) => {
      const s = await stubborn(stage, { restart: often })
      const down = downOf(stage.system, s)
      const { codes } = await blocked(s)
      await stage.system.kill(s, { restart: true })
      await isQuarantined(s, down)
      assert.equal(await codes, ['THREAD_EXITED', 'THREAD_EXITED'])
      assert.equal(stage.restarts.all, [])
      await rejection(s.ask.echo(1), 'ACTOR_QUARANTINED')
    },

    'whatever put it there, its group escalates at once': async (stage) => {
      for (const end of ['kill', 'crash', 'stop'] as const) {
        await stage.log
        const strategy = 'one-for-one'
        const group = stage.system.supervise({ name: end, strategy, restart: often })
        const sibling = await stage.play('sibling', {}, {}, group)
        const s = await stubborn(stage, {}, group)
        const down = downOf(stage.system, sibling)
        const escalated = new Promise<{ path: string; error: Error }>((resolve) =>
          stage.system.events.once('escalated', resolve),
        )
        await blocked(s)
        if (end === 'stop') await stage.system.stop(s)
        else await stage.system.kill(s, { restart: end === 'crash' })
        assert.is((await escalated).path, `system/${end}`)
        assert.match((await escalated).error.message, `system/${end}/s`)
        assert.is((await down).reason, 'stopped', end)
      }
    },

    'watchers on other threads hear of it, and those of actors in the same thread': async (
      stage,
    ) => {
      const watcher = await stage.play('watcher')
      const s = await stubborn(stage)
      const child = await s.ask.child()
      await watcher.ask.watch(s)
      await watcher.ask.watch(child)
      const down = downOf(stage.system, child)
      await blocked(s)
      await stage.system.kill(s)
      await stage.lines.until('watcher:down system/s quarantined')
      await stage.lines.until('watcher:down system/s/child quarantined')
      assert.is((await down).reason, 'quarantined')
      await rejection(child.ask.echo(1), 'ACTOR_QUARANTINED')
    },

    'A7 dispose rejects, also the second time, and names what it left behind': async (stage) => {
      const s = await stubborn(stage)
      await blocked(s)
      for (const dispose of [1, 2]) {
        const error = await rejection(stage.system.dispose(), 'ACTOR_QUARANTINED')
        assert.equal(error.fields, { paths: ['system/s'] }, `${dispose}`)
        assert.match(error.message, 'system/s')
      }
    },

    'native code that returns within the limit is waited for': async (stage) => {
      const s = await stubborn(stage, { stop: { exitMs: 600_000 } })
      const down = downOf(stage.system, s)
      const order: string[] = []
      const { codes } = await blocked(s)
      const settled = codes.then(() => order.push('asks'))
      await stage.system.kill(s).then(() => order.push('exit'))
      await settled
      assert.equal(order, ['asks', 'exit'])
      assert.is((await down).reason, 'killed')
      assert.equal(await codes, ['THREAD_EXITED', 'THREAD_EXITED'])
    },

    'a system without anything in quarantine is disposed of in silence': async () => {
      const system = createSystem()
      await system.dispose()
      await system.dispose()
    },
  },
})
