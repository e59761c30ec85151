import type { DeadLetter, Ref, SpawnOptions } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { eventually, nextEvent, rejection } from '../../actors/support.js'
import { Clerk, type ClerkProtocol } from './fixtures/clerk.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/clerk.js', import.meta.url)
const often = { max: 100, withinMs: 60_000 }

type ClerkRef = Ref<typeof ClerkProtocol>

async function clerk(stage: Stage, options: SpawnOptions = {}): Promise<ClerkRef> {
  const log = await stage.log
  const on = stage.where.on(module)
  return stage.system.spawn(Clerk, { log }, { name: 'c', on, ...options })
}

/** As of now, but for the question itself. */
async function inFlight(stage: Stage): Promise<number> {
  return (await stage.system.accounts()).inFlight
}

/** Nothing is under way any more, and nothing was counted twice. */
async function balances(stage: Stage): Promise<void> {
  await eventually(async () => (await inFlight(stage)) === 0)
  const { sent, handled, deadLettered } = await stage.system.accounts()
  assert.is(sent, handled + deadLettered, 'A4')
}

export const deferred = theme('deferred answers', {
  everywhere: {
    'A3 others are handled meanwhile, and each asker gets its own answer, in any order': async (
      stage,
    ) => {
      const c = await clerk(stage)
      const orders = ['a', 'b', 'c'].map((what) => c.ask.order(what))
      assert.equal(await c.ask.open(), ['a', 'b', 'c'])
      for (const to of ['c', 'a', 'b']) {
        assert.is(await c.ask.give({ to, answer: `for ${to}` }), 'given')
      }
      assert.equal(await Promise.all(orders), ['for a', 'for b', 'for c'])
      assert.is(await c.ask.atOnce('now'), 'now')
      await balances(stage)
    },

    'A1 an async handler holds the mailbox until it has returned its deferred answer': async (
      stage,
    ) => {
      const c = await clerk(stage)
      const gate = await stage.gate()
      const order = c.ask.orderAt({ what: 'a', door: gate.ref })
      const open = c.ask.open()
      await gate.arrived()
      gate.open()
      assert.equal(await open, ['a'])
      await c.ask.give({ to: 'a', answer: 'done' })
      assert.is(await order, 'done')
    },

    'A3 a refusal is an answer; what is no KaitianError fails the actor and the others': async (
      stage,
    ) => {
      const c = await clerk(stage, { restart: often })
      const refused = rejection(c.ask.order('a'), 'DATA_MISSING')
      await c.ask.refuse({ to: 'a', how: 'answer' })
      assert.equal((await refused).fields, { to: 'a' })
      const [faulty, other] = ['b', 'c'].map((what) => rejection(c.ask.order(what), 'ACTOR_FAILED'))
      await rejection(c.ask.refuse({ to: 'b', how: 'fault' }), 'ACTOR_FAILED')
      assert.match((await faulty).message, 'system/c failed in "order": a bug, later')
      assert.match((await other).message, 'system/c failed in "order": a bug, later')
      await stage.restarts.until('system/c')
      assert.equal(await c.ask.open(), [])
      await balances(stage)
    },

    'A3 an answer is given once': async (stage) => {
      const c = await clerk(stage)
      const order = c.ask.order('a')
      assert.is(await c.ask.give({ to: 'a', answer: 1 }), 'given')
      assert.is(await c.ask.give({ to: 'a', answer: 2 }), 'BAD_ARGUMENT')
      assert.is(await order, 1)
      await balances(stage)
    },

    'A4 what is deferred is in flight until it is answered, and is shown': async (stage) => {
      const c = await clerk(stage)
      const order = c.ask.order('a')
      assert.equal(await c.ask.open(), ['a'])
      assert.is(await inFlight(stage), 1)
      const { children } = await stage.system.snapshot()
      const shown = children.find(({ path }) => path === c.path)
      assert.is(shown?.mailbox?.deferred, 1)
      assert.is(shown?.state, 'idle')
      await c.ask.give({ to: 'a', answer: '' })
      await order
      await balances(stage)
    },

    'A6 as many answers may be open as the mailbox takes messages': async (stage) => {
      const c = await clerk(stage, { mailbox: { capacity: 3 } })
      const kept = ['a', 'b', 'c'].map((what) => c.ask.order(what))
      await eventually(async () => (await c.ask.open().catch(() => [])).length === 3)
      await rejection(c.ask.order('d'), 'MAILBOX_FULL')
      assert.is(await c.ask.echo(1), 1, 'their places in the mailbox are free')
      await c.ask.give({ to: 'a', answer: 'x' })
      const fourth = c.ask.order('d')
      for (const to of ['b', 'c', 'd']) await c.ask.give({ to, answer: 'x' })
      assert.equal(await Promise.all([...kept, fourth]), ['x', 'x', 'x', 'x'])
      await balances(stage)
    },

    'A3 of an asker that gave up there is nothing to wait for, and its answer is ignored': async (
      stage,
    ) => {
      const c = await clerk(stage, { mailbox: { capacity: 2 } })
      const letter = nextEvent(stage.system, 'dead-letter') as Promise<DeadLetter>
      const abort = new AbortController()
      const given = rejection(c.ask.order('a', { signal: abort.signal }), 'ASK_ABORTED')
      assert.equal(await c.ask.open(), ['a'])
      abort.abort()
      await given
      assert.equal(await letter, {
        to: 'system/c',
        kind: 'ask',
        message: 'order',
        reason: 'aborted',
        count: 1,
      })
      assert.equal(await c.ask.open(), ['a (left)'])
      assert.is(await c.ask.give({ to: 'a', answer: 1 }), 'given')
      await rejection(c.ask.order('b', { timeoutMs: 1 }), 'ASK_TIMEOUT')
      await balances(stage)
      await stage.system.stop(c)
    },

    'A3 a kill settles them': async (stage) => {
      const c = await clerk(stage)
      const lost = ['a', 'b'].map((what) => rejection(c.ask.order(what), stage.where.deathCode))
      assert.equal(await c.ask.open(), ['a', 'b'])
      await stage.system.kill(c)
      await Promise.all(lost)
      await balances(stage)
      const d = await clerk(stage, { name: 'd' })
      await rejection(d.ask.killsItself('a'), stage.where.deathCode)
      await balances(stage)
    },

    'A3 a stop waits for them, and tells them by their signals': async (stage) => {
      const c = await clerk(stage)
      const refused = rejection(c.ask.refusesAtEnd('a'), 'CANCELLED')
      const timed = c.ask.in(20)
      await c.ask.echo(1)
      await stage.system.stop(c)
      await refused
      assert.is(await timed, 'in time')
      assert.equal(stage.lines.all, ['refused: ACTOR_STOPPED'])
      await balances(stage)
    },

    'A3 a stop with drain handles what waits, and waits for what that defers': async (stage) => {
      const c = await clerk(stage)
      const gate = await stage.gate()
      const held = c.ask.orderAt({ what: 'a', door: gate.ref })
      await gate.arrived()
      const timed = c.ask.in(20)
      const given = c.ask.give({ to: 'a', answer: 'drained' })
      const stopped = stage.system.stop(c, { drain: true })
      gate.open()
      assert.equal(await Promise.all([held, timed, given]), ['drained', 'in time', 'given'])
      await stopped
      await balances(stage)
    },

    'A3 a stop waits for them no longer than its limit': async (stage) => {
      const c = await clerk(stage)
      const lost = rejection(c.ask.order('a'), stage.where.deathCode)
      assert.equal(await c.ask.open(), ['a'])
      await stage.system.stop(c, { timeoutMs: 20 })
      await lost
      await balances(stage)
    },

    'what a handler does behind its deferral': async (stage) => {
      const c = await clerk(stage, { restart: often })
      const forgotten = c.ask.returnsNothing('a')
      await c.ask.give({ to: 'a', answer: 'given all the same' })
      assert.is(await forgotten, 'given all the same')
      await rejection(c.ask.throwsAnswer('b'), 'DATA_MISSING')
      assert.is(await c.ask.give({ to: 'b', answer: 1 }), 'BAD_ARGUMENT')
      assert.is(await c.ask.putsAside('c'), 'BAD_ARGUMENT')
      const fails = async (failing: Promise<unknown>, why: string): Promise<void> => {
        const before = stage.restarts.count('system/c')
        const code = why === '' ? undefined : await rejection(failing, 'ACTOR_FAILED')
        if (code !== undefined) assert.match(code.message, why)
        await failing.catch(() => undefined)
        await stage.restarts.until('system/c', before + 1)
      }
      await fails(c.ask.returnsAnother('d'), 'no other answer')
      await fails(c.ask.throwsFault('e'), 'a bug')
      const answered = c.ask.answersAndThrows('f')
      await fails(answered, '')
      assert.is(await answered, 'f', 'the first answer counts')
      await balances(stage)
    },

    'there has to be an answer to defer': async (stage) => {
      const c = await clerk(stage)
      c.tell.note('a tell')
      await stage.lines.until('BAD_ARGUMENT')
      assert.is(await c.ask.late(), 'nothing')
      assert.is(await c.ask.late(), 'BAD_ARGUMENT', 'its handler has returned')
      await c.ask.inTimer()
      await stage.lines.until('in a timer: BAD_ARGUMENT')
    },

    'a reply fits its schema, or is refused': async (stage) => {
      const c = await clerk(stage)
      const price = c.ask.price(3)
      await c.ask.give({ to: 'price of 3', answer: 5 })
      assert.is(await price, 5)
      const refused = rejection(c.ask.price(4), 'MESSAGE_INVALID')
      await c.ask.give({ to: 'price of 4', answer: -5 })
      assert.match((await refused).message, 'the reply to price')
      await rejection(c.ask.price(-1), 'MESSAGE_INVALID')
      const sum = c.ask.sum('1,2')
      await c.ask.give({ to: 'sum of 2', answer: 3 })
      assert.equal(await sum, { total: 3 })
      await balances(stage)
    },

    'A3 one that has ended answers nobody any more': async (stage) => {
      const c = await clerk(stage, { restart: often })
      const lost = rejection(c.ask.in(20), stage.where.deathCode)
      await c.ask.echo(1)
      const restarted = nextEvent(stage.system, 'restarted')
      await stage.system.kill(c, { restart: true })
      await lost
      await restarted
      const again = c.ask.in(40)
      assert.is(await again, 'in time')
      assert.equal(await c.ask.open(), [])
      await balances(stage)
    },
  },

  apart: {
    'A3 the death of its thread or process settles them': async (stage) => {
      const c = await clerk(stage)
      const lost = rejection(c.ask.order('a'), stage.where.deathCode)
      assert.equal(await c.ask.open(), ['a'])
      await stage.system.kill(c)
      await lost
    },

    'an answer that cannot cross is told to the asker': async (stage) => {
      const c = await clerk(stage)
      const refused = rejection(c.ask.order('a'), 'MESSAGE_NOT_CLONEABLE')
      await c.ask.giveJunk('a')
      await refused
      assert.is(await c.ask.echo(1), 1)
      await balances(stage)
    },
  },
})
