import type { Ref, SpawnOptions } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { eventually, nextEvent, rejection } from '../../actors/support.js'
import { Hoarder, type HoarderProtocol } from './fixtures/hoarder.js'
import { Sender } from './fixtures/sender.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/hoarder.js', import.meta.url)
const senderModule = new URL('./fixtures/sender.js', import.meta.url)

function hoarder(stage: Stage, options: SpawnOptions = {}): Promise<Ref<typeof HoarderProtocol>> {
  const on = stage.where.on(module)
  return stage.system.spawn(Hoarder, undefined, { name: 'h', on, ...options })
}

export const stash = theme('stash', {
  everywhere: {
    'A2 what is unstashed comes first, in order, asks and tells alike': async (stage) => {
      const h = await hoarder(stage)
      const works = ['a', 'b'].map((what) => h.ask.work(what))
      h.tell.add('c')
      works.push(h.ask.workLater('d'))
      const opened = h.ask.open()
      works.push(h.ask.work('e'))
      await opened
      assert.equal(await Promise.all(works), ['a 1', 'b 2', 'd 4', 'e 5'])
      assert.equal(await h.ask.done(), ['a', 'b', 'c', 'd', 'e'])
    },

    'A4 what is put aside is in flight until it is handled': async (stage) => {
      const h = await hoarder(stage)
      const { inFlight } = await stage.system.accounts()
      const work = h.ask.work('a')
      assert.equal(await h.ask.done(), [])
      assert.is((await stage.system.accounts()).inFlight, inFlight + 1)
      await h.ask.open()
      assert.is(await work, 'a 1')
      await eventually(async () => (await stage.system.accounts()).inFlight === inFlight)
    },

    'A6 as much as the mailbox takes can be put aside, and no more': async (stage) => {
      const h = await hoarder(stage, { mailbox: { capacity: 2 } })
      // Of its own thread, since what is aside takes up its sender's room on the way.
      const on = { thread: senderModule }
      const sender = await stage.system.spawn(Sender, undefined, { name: 'sender', on })
      const kept = [h.ask.work('a'), h.ask.work('b')]
      await stage.system.accounts()
      await eventually(async () => {
        const work = sender.ask.work({ to: h, what: 'c' })
        return (await work.catch((error: { code: string }) => error.code)) === 'MAILBOX_FULL'
      })
      await sender.ask.open(h)
      assert.equal(await Promise.all(kept), ['a 1', 'b 2'])
      assert.equal(await h.ask.done(), ['a', 'b'])
    },

    'a stop refuses what is aside, and so does a restart': async (stage) => {
      const restart = { max: 1, withinMs: 60_000 }
      const h = await hoarder(stage, { restart })
      const works = [h.ask.work('a'), h.ask.workLater('b')].map((work) =>
        rejection(work, 'ACTOR_RESTARTING'),
      )
      assert.equal(await h.ask.done(), [])
      const restarted = nextEvent(stage.system, 'restarted')
      await rejection(h.ask.fault(), 'ACTOR_FAILED')
      await Promise.all([...works, restarted])
      const last = rejection(h.ask.work('c'), 'ACTOR_STOPPED')
      assert.equal(await h.ask.done(), [])
      await stage.system.stop(h)
      await last
    },

    'A3 a kill settles what is aside': async (stage) => {
      const h = await hoarder(stage)
      const lost = rejection(h.ask.work('a'), stage.where.deathCode)
      assert.equal(await h.ask.done(), [])
      await stage.system.kill(h)
      await lost
    },

    'what stash throws may be caught: the message is aside all the same, and not lost': async (
      stage,
    ) => {
      const h = await hoarder(stage)
      const ways = ['swallowed', 'swallowed later', 'in finally', 'wrapped'] as const
      const works = ways.map((how) => h.ask.workCaught({ what: how, how }))
      assert.equal(await h.ask.done(), [])
      await h.ask.open()
      assert.equal(
        await Promise.all(works),
        ways.map((how, at) => `${how} ${at + 1}`),
      )
      assert.equal(await h.ask.done(), ways)
    },

    'an error in what tidies up behind stash is told, and changes nothing': async (stage) => {
      const h = await hoarder(stage)
      const told = nextEvent(stage.system, 'failed') as Promise<{ error: Error }>
      const work = h.ask.workCaught({ what: 'a', how: 'broken' })
      assert.match(
        (await told).error.message,
        'system/h failed in "workCaught": a bug in tidying up',
      )
      await h.ask.open()
      assert.is(await work, 'a 1')
    },

    'the body of a flow may put its opening aside': async (stage) => {
      const h = await hoarder(stage)
      const flows = [false, true].map((caught) => h.flow.works({ what: String(caught), caught }))
      const firsts = flows.map((items) => items.next())
      assert.equal(await h.ask.done(), [])
      await h.ask.open()
      assert.equal(await Promise.all(firsts), [
        { done: false, value: 'false 1' },
        { done: false, value: 'true 2' },
      ])
      for (const items of flows) assert.is((await items.next()).done, true)
      await eventually(async () => (await stage.system.accounts()).inFlight === 0)
    },

    'where there is no message in hand, stash says so': async (stage) => {
      const h = await hoarder(stage)
      const told = nextEvent(stage.system, 'failed') as Promise<{ error: Error & { cause: Error } }>
      await h.ask.stashInTimer()
      const { error } = await told
      assert.is((error.cause as Error & { code?: string }).code, 'BAD_ARGUMENT')
      assert.match(error.message, 'no message in hand')
    },

    'what is aside, and whose asker gave up, is not handled': async (stage) => {
      const h = await hoarder(stage)
      const abort = new AbortController()
      const given = rejection(h.ask.work('a', { signal: abort.signal }), 'ASK_ABORTED')
      const kept = h.ask.work('b')
      assert.equal(await h.ask.done(), [])
      abort.abort()
      await given
      await h.ask.open()
      assert.is(await kept, 'b 1')
      assert.equal(await h.ask.done(), ['b'])
    },
  },
})
