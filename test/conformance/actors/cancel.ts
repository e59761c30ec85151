import type { MailboxOptions, Ref } from '@kaitian/actors'
import type { KaitianError } from '@kaitian/errors'
import * as assert from 'uvu/assert'
import { nextEvent, rejection } from '../../actors/support.js'
import { Asked, type AskedProtocol } from './fixtures/asked.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/asked.js', import.meta.url)

type AskedRef = Ref<typeof AskedProtocol>

async function asked(stage: Stage, mailbox: MailboxOptions = {}): Promise<AskedRef> {
  const log = await stage.log
  return stage.system.spawn(Asked, { log }, { name: 'a', on: stage.where.on(module), mailbox })
}

/** The handler hears that its asker gave up, and the actor goes on as the same. */
async function isHeard(
  stage: Stage,
  work: (a: AskedRef, gate: Awaited<ReturnType<Stage['gate']>>) => Promise<KaitianError>,
): Promise<KaitianError> {
  const a = await asked(stage)
  const home = await a.ask.home()
  await a.ask.echo('before')
  const error = await work(a, await stage.gate())
  await stage.lines.until('given up: ASK_ABORTED')
  assert.is(await a.ask.echo('after'), 'after')
  assert.is(await a.ask.count(), 3, 'it keeps its state')
  assert.is(await a.ask.home(), home, 'and its thread')
  return error
}

export const cancel = theme('giving up', {
  everywhere: {
    'A3 an asker whose signal aborts hears so at once, and its handler by ctx.message.signal':
      async (stage) => {
        const error = await isHeard(stage, async (a, gate) => {
          const { signal, abort } = controller()
          const given = rejection(a.ask.untilGivenUp(gate.ref, { signal }), 'ASK_ABORTED')
          await gate.arrived()
          abort(new Error('enough'))
          return given
        })
        assert.is((error.cause as Error).message, 'enough')
        assert.equal(error.fields, { path: 'system/a', message: 'untilGivenUp' })
      },

    'A3 a message that waits, and whose asker gave up, is not handled': async (stage) => {
      const a = await asked(stage)
      const gate = await stage.gate()
      const held = a.ask.hold(gate.ref)
      await gate.arrived()
      const { signal, abort } = controller()
      const letter = nextEvent(stage.system, 'dead-letter')
      const aborted = rejection(a.ask.echo(1, { signal, timeoutMs: 60_000 }), 'ASK_ABORTED')
      abort(new Error('enough'))
      await aborted
      await rejection(a.ask.echo(1, { signal }), 'ASK_ABORTED')
      gate.open()
      assert.is(await held, 'held')
      const to = 'system/a'
      const dead = { to, kind: 'ask', message: 'echo', reason: 'aborted', count: 1 }
      assert.equal(await letter, dead)
      assert.is(await a.ask.count(), 0)
    },

    'A3 nor is one that is held back by the policy wait': async (stage) => {
      const a = await asked(stage, { capacity: 1, overflow: 'wait' })
      const gate = await stage.gate()
      const held = a.ask.hold(gate.ref)
      await gate.arrived()
      const { signal, abort } = controller()
      // Inline the first of them is in the mailbox, otherwise the first one is held back.
      const asks = stage.where.kind === 'inline' ? [1, 2] : [1]
      const aborted = asks.map((n) => rejection(a.ask.echo(n, { signal }), 'ASK_ABORTED'))
      abort(new Error('enough'))
      await Promise.all(aborted)
      gate.open()
      assert.is(await held, 'held')
      await a.room()
      assert.is(await a.ask.count(), 0)
    },

    'ctx.message.signal has aborted for a handler that looks at it late': async (stage) => {
      const a = await asked(stage)
      const gate = await stage.gate()
      const { signal, abort } = controller()
      const given = rejection(a.ask.looksLate(gate.ref, { signal }), 'ASK_ABORTED')
      await gate.arrived()
      abort(new Error('enough'))
      await given
      gate.open()
      await stage.lines.until('given up: true')
    },

    'a signal that aborts after the answer changes nothing': async (stage) => {
      const a = await asked(stage)
      const { signal, abort } = controller()
      await a.ask.traced(undefined, { signal, timeoutMs: 60_000 })
      abort(new Error('too late'))
      assert.is(await a.ask.signalOfTheLast(), false)
    },

    'ctx.message.signal aborts when the actor is told to stop': async (stage) => {
      const a = await asked(stage)
      const gate = await stage.gate()
      const work = a.ask.untilGivenUp(gate.ref)
      await gate.arrived()
      const stopped = stage.system.stop(a)
      assert.is(await work, 'an answer for nobody', 'the message in hand is finished')
      await stopped
      assert.equal(stage.lines.all, ['given up: ACTOR_STOPPED'])
    },
  },

  inline: {
    'ctx.message.signal aborts when the actor is killed': async (stage) => {
      const a = await asked(stage)
      const gate = await stage.gate()
      const lost = rejection(a.ask.untilGivenUp(gate.ref), 'ACTOR_STOPPED')
      await gate.arrived()
      await stage.system.kill(a)
      await lost
      await stage.lines.until('given up: ACTOR_STOPPED')
    },
  },

  timed: {
    'A3 an asker whose time is up hears so at once, and its handler by ctx.message.signal': async (
      stage,
      clock,
    ) => {
      const error = await isHeard(stage, async (a, gate) => {
        const ask = a.ask.untilGivenUp(gate.ref, { timeoutMs: 50 })
        const timedOut = rejection(ask, 'ASK_TIMEOUT')
        await gate.arrived()
        await clock.advance(49)
        assert.is(clock.pending, 1)
        await clock.advance(1)
        return timedOut
      })
      assert.equal(error.fields, { path: 'system/a', message: 'untilGivenUp', timeoutMs: 50 })
      assert.is(clock.pending, 0)
    },
  },
})

function controller(): { signal: AbortSignal; abort: (reason: Error) => void } {
  const abort = new AbortController()
  return { signal: abort.signal, abort: (reason) => abort.abort(reason) }
}
