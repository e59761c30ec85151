import type { DeadLetter, Ref, TellOutcome } from '@kaitian/actors'
import type { KaitianError } from '@kaitian/errors'
import * as assert from 'uvu/assert'
import { eventually, nextEvent, rejection } from '../../actors/support.js'
import { Strict, type StrictProtocol } from './fixtures/strict.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/strict.js', import.meta.url)

type StrictRef = Ref<typeof StrictProtocol>

async function strict(stage: Stage): Promise<StrictRef> {
  const log = await stage.log
  return stage.system.spawn(Strict, { log }, { name: 's', on: stage.where.on(module) })
}

async function refused(ask: Promise<unknown>, what: string, issue: string): Promise<KaitianError> {
  const error = await rejection(ask, 'MESSAGE_INVALID')
  assert.match(error.message, what)
  assert.match(error.message, issue)
  assert.equal(error.fields.issues, [issue])
  return error
}

/** The sender's types say otherwise. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller's
function wrong<T>(value: unknown): T {
  return value as T
}

export const schemas = theme('schemas', {
  everywhere: {
    'the handler gets the payload’s output, the asker the reply’s': async (stage) => {
      const s = await strict(stage)
      assert.is(await s.ask.half(8), 4)
      assert.equal(await s.ask.sum('1,2,3'), { total: 6 })
      assert.equal(await s.ask.sumLater('4,5'), { total: 9 })
      assert.is(await s.ask.mixed({ n: 3 }), 3)
      const items: number[] = []
      for await (const n of s.flow.down(5)) {
        items.push(n)
        if (n === 1) break
      }
      assert.equal(items, [5, 4, 3, 2, 1])
    },

    'a payload that does not fit is refused before the handler, and the actor goes on': async (
      stage,
    ) => {
      const s = await strict(stage)
      await refused(s.ask.half(-1), 'the payload of half', 'there: not positive')
      await refused(s.ask.sum(wrong(5)), 'the payload of sum', 'there: no text')
      await refused(s.ask.sumLater(wrong(5)), 'the payload of sumLater', 'there: no text')
      await refused(s.flow.down(0).next(), 'the payload of down', 'there: not positive')
      assert.is(await s.ask.half(8), 4)
      assert.equal(stage.lines.all, [], 'no flow was opened')
    },

    'a reply that does not fit is refused before it leaves, and the actor goes on': async (
      stage,
    ) => {
      const s = await strict(stage)
      await refused(s.ask.half(1), 'the reply to half', 'there: not positive')
      await refused(s.ask.sum('50,50'), 'the reply to sum', 'there: too large')
      await refused(s.ask.mixed({ n: -1 }), 'the reply to mixed', 'there: not positive')
      assert.is(await s.ask.half(8), 4)
    },

    'an item that does not fit ends its flow, and closes it': async (stage) => {
      const s = await strict(stage)
      const items = s.flow.down(2)
      assert.is((await items.next()).value, 2)
      assert.is((await items.next()).value, 1)
      await refused(items.next(), 'an item of down', 'there: not positive')
      assert.equal(await items.next(), { done: true, value: undefined })
      await stage.lines.until('closed')
      assert.is(await s.ask.half(8), 4)
    },

    'A4 a tell that does not fit is a dead letter, and no failure': async (stage) => {
      const s = await strict(stage)
      const letter = nextEvent(stage.system, 'dead-letter') as Promise<DeadLetter>
      assert.is(s.tell.add(-1) satisfies TellOutcome, 'queued', 'it is checked where it is handled')
      const dead = { to: 'system/s', kind: 'tell', message: 'add', reason: 'invalid', count: 1 }
      assert.equal(await letter, dead)
      s.tell.add(1)
      assert.equal(await s.ask.added(), [1])
    },

    'A4 what a handler has returned for is handled, whether or not the reply fits': async (
      stage,
    ) => {
      const s = await strict(stage)
      const before = await stage.system.accounts()
      await rejection(s.ask.half(1), 'MESSAGE_INVALID')
      await rejection(s.ask.half(-1), 'MESSAGE_INVALID')
      await eventually(async () => (await stage.system.accounts()).inFlight === 0)
      const { handled, deadLettered } = await stage.system.accounts()
      const [more, lost] = [handled - before.handled, deadLettered - before.deadLettered]
      assert.equal([more, lost], [1, 1], 'of the other one the handler never heard')
    },

    'A1 A2 a check that takes its time holds the mailbox': async (stage) => {
      const s = await strict(stage)
      s.tell.addLater('1,2')
      s.tell.add(3)
      const sum = s.ask.sumLater('7')
      s.tell.addLater('4')
      s.tell.add(5)
      assert.equal(await sum, { total: 7 })
      assert.equal(await s.ask.added(), [1, 2, 3, 4, 5])
    },

    'A3 an ask in the midst of its check settles': async (stage) => {
      const s = await strict(stage)
      const abort = new AbortController()
      const given = rejection(s.ask.never(1, { signal: abort.signal }), 'ASK_ABORTED')
      const waiting = rejection(s.ask.half(8), stage.where.deathCode)
      await eventually(async () => {
        const { children } = await stage.system.snapshot()
        return children.some(({ path, state }) => path === s.path && state === 'busy')
      })
      abort.abort()
      await given
      await stage.system.kill(s)
      await waiting
    },

    'a schema that throws refuses, and fails nothing': async (stage) => {
      const s = await strict(stage)
      const issue = 'the schema itself failed: a bug in a schema'
      await refused(s.ask.broken(1), 'the payload of broken', issue)
      assert.is(await s.ask.half(8), 4)
    },
  },
})
