import type { Ref, SpawnOptions } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import * as assert from 'uvu/assert'
import { downOf, eventually, nextEvent, rejection } from '../../actors/support.js'
import { Culprit, hostilities, type CulpritProtocol } from './fixtures/culprit.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/culprit.js', import.meta.url)
const broken = (name: string): URL => new URL(`./fixtures/broken/${name}.js`, import.meta.url)
const often = { max: 100, withinMs: 60_000 }

function culprit(
  stage: Stage,
  args: ConstructorParameters<typeof Culprit>[0] = {},
  options: SpawnOptions = {},
): Promise<Ref<typeof CulpritProtocol>> {
  const on = stage.where.on(module)
  return stage.system.spawn(Culprit, args, { name: 'c', on, ...options })
}

/** The actor dies, its asker and its watcher hear of it, and this process and its system live. */
async function dies(
  stage: Stage,
  crash: (c: Ref<typeof CulpritProtocol>) => Promise<unknown>,
): Promise<KaitianError> {
  const c = await culprit(stage)
  const down = downOf(stage.system, c)
  await rejection(crash(c), stage.where.deathCode)
  const { reason, error } = await down
  assert.is(reason, 'exited')
  assert.instance(error, KaitianError)
  assert.is((error as KaitianError).code, stage.where.deathCode)
  await rejection(c.ask.echo(1), stage.where.deathCode)
  assert.is(await (await culprit(stage)).ask.echo(1), 1)
  return error as KaitianError
}

export const errors = theme('errors', {
  everywhere: {
    'an answer keeps its class, code, message, fields, stack and chain of causes': async (
      stage,
    ) => {
      const error = await rejection((await culprit(stage)).ask.refuse(), 'BAD_TASK')
      assert.is(error.message, 'Refused')
      assert.equal(error.fields, { list: [1, 'two'], nested: { yes: true } })
      assert.match(String(error.stack), 'culprit')
      const cause = error.cause as KaitianError
      assert.instance(cause, KaitianError)
      assert.is(cause.code, 'OUT_OF_MEMORY')
      assert.equal(cause.fields, { bytes: 5 })
      const root = cause.cause as Error
      assert.instance(root, Error)
      assert.is(`${root.name}: ${root.message}`, 'RangeError: the root')
    },

    'A3 whatever is thrown or returned, it is looked at with care': async (stage) => {
      const c = await culprit(stage, {}, { restart: often })
      const fails = async (failing: Promise<unknown>): Promise<void> => {
        const before = stage.restarts.count('system/c')
        const error = await rejection(failing, 'ACTOR_FAILED')
        assert.match(error.message, 'system/c failed in "hostile')
        await stage.restarts.until('system/c', before + 1)
      }
      for (const how of hostilities) {
        // As an ask's answer it is nothing special.
        if (how !== 'iterator') await fails(c.ask.hostile(how))
        await fails(c.flow.hostileFlow(how).next())
        assert.is(await c.ask.echo(how), how)
      }
      await eventually(async () => (await stage.system.accounts()).inFlight === 0)
    },

    'fields that cannot cross do not keep the error back': async (stage) => {
      const c = await culprit(stage)
      const error = await rejection(c.ask.refuseOddly(), 'BAD_TASK')
      assert.is(error.message, 'Refused oddly')
      const failed = nextEvent(stage.system, 'failed') as Promise<{ error: KaitianError }>
      const fault = await rejection(c.ask.fault('odd'), 'ACTOR_FAILED')
      assert.is((fault.cause as Error).message, 'odd')
      assert.match((await failed).error.message, 'system/c failed in "fault": odd')
    },

    'the cause of a fault keeps its name, message and own cause': async (stage) => {
      const c = await culprit(stage, {}, { restart: often })
      const down = nextEvent(stage.system, 'failed') as Promise<{ path: string; error: Error }>
      const error = await rejection(c.ask.fault('deep'), 'ACTOR_FAILED')
      assert.equal(error.fields, { path: 'system/c', message: 'fault' })
      const cause = error.cause as Error
      assert.is(`${cause.name}: ${cause.message}`, 'TypeError: outer')
      assert.is((cause.cause as Error).name, 'RangeError')
      assert.is((await down).error.message, error.message)
      await stage.restarts.until('system/c')
    },

    'a class that is no actor, or is not exported, refuses the spawn': async (stage) => {
      class Absent extends Culprit {}
      const on = stage.where.on(module)
      if (stage.where.kind !== 'inline' && !stage.where.simulated) {
        const absent = stage.system.spawn(Absent, {}, { on })
        assert.match((await rejection(absent, 'SPAWN_FAILED')).message, 'export the class Absent')
      }
      const plain = Date as unknown as typeof Culprit
      await rejection(stage.system.spawn(plain, {}, { on }), 'BAD_ARGUMENT')
    },
  },

  apart: {
    'arguments that cannot be cloned refuse the spawn': async (stage) => {
      const args = { exitIn: (() => 1) as never }
      await rejection(culprit(stage, args), 'SPAWN_FAILED')
      assert.is(await (await culprit(stage)).ask.echo(1), 1)
    },
  },

  real: {
    'an uncaught exception ends the actor alone': async (stage) => {
      const error = await dies(stage, (c) => c.ask.crash())
      assert.match(error.message, 'system/c')
      assert.match(error.message, 'outside any handler')
      const cause = error.cause as KaitianError
      assert.is(cause.code, 'ENGINE_FAILED')
      assert.equal(cause.fields, { a: 1 })
    },

    'an unhandled rejection ends the actor alone': async (stage) => {
      const error = await dies(stage, (c) => c.ask.rejectAside())
      assert.match(error.message, 'nobody looks at it')
    },

    'process.exit in a handler ends the actor alone': async (stage) => {
      const error = await dies(stage, (c) => c.ask.exit(3))
      assert.is(error.fields.exitCode, 3)
    },

    'process.exit in the constructor or in start refuses the spawn': async (stage) => {
      for (const exitIn of ['constructor', 'start'] as const) {
        const error = await rejection(culprit(stage, { exitIn }), 'SPAWN_FAILED')
        assert.is((error.cause as KaitianError).code, stage.where.deathCode)
        assert.match(error.message, 'system/c')
      }
      assert.is(await (await culprit(stage)).ask.echo(1), 1, 'nothing is left behind')
    },

    'process.exit in stop ends it, and whoever waits for the stop': async (stage) => {
      const c = await culprit(stage, { exitIn: 'stop' }, { restart: often })
      const down = downOf(stage.system, c)
      await stage.system.stop(c)
      await down
      await rejection(c.ask.echo(1), 'ACTOR_STOPPED')
      assert.equal(stage.restarts.all, [])
    },

    'a module that throws, exits or is missing refuses the spawn, and says why': async (stage) => {
      const spawn = (name: string) =>
        rejection(
          stage.system.spawn(Culprit, {}, { on: stage.where.on(broken(name)) }),
          'SPAWN_FAILED',
        )
      const thrown = await spawn('throws')
      assert.match(thrown.message, 'this module throws')
      assert.is((thrown.cause as KaitianError).code, 'BAD_CONFIG')
      assert.equal((thrown.cause as KaitianError).fields, { a: 1 })
      assert.is(((await spawn('exits')).cause as KaitianError).code, stage.where.deathCode)
      assert.match((await spawn('missing')).message, 'missing.js')
      assert.match((await spawn('throws')).message, 'this module throws', 'and says so again')
    },

    'a system that is disposed of while a module is never done ends': async (stage) => {
      const on = stage.where.on(broken('never'))
      const stop = { timeoutMs: 20, abortMs: 20 }
      const spawning = rejection(stage.system.spawn(Culprit, {}, { on, stop }), 'SPAWN_FAILED')
      await stage.system.dispose()
      await spawning
    },

    'a death in the midst of many messages leaves the books balanced': async (stage) => {
      const c = await culprit(stage, {}, { restart: often })
      for (const crash of ['exit', 'crash', 'rejectAside'] as const) {
        const before = stage.restarts.count('system/c')
        const asks = Array.from({ length: 50 }, (_, n) => c.ask.echo(n))
        const death = crash === 'exit' ? c.ask.exit(1) : c.ask[crash]()
        asks.push(...Array.from({ length: 50 }, (_, n) => c.ask.echo(n)))
        const settled = await Promise.allSettled([...asks, death])
        assert.is(settled[100].status, 'rejected')
        await stage.restarts.until('system/c', before + 1)
      }
      await eventually(async () => (await stage.system.accounts()).inFlight === 0)
      const { sent, handled, deadLettered } = await stage.system.accounts()
      assert.is(sent, handled + deadLettered)
    },
  },
})
