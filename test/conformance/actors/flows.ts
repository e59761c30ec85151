import { type Ref, type SpawnOptions } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { eventually, nextEvent, rejection } from '../../actors/support.js'
import { Drinker } from './fixtures/drinker.js'
import { Fountain, type FountainProtocol } from './fixtures/fountain.js'
import { theme, type Stage } from './stage.js'

const module = new URL('./fixtures/fountain.js', import.meta.url)
const drinkerModule = new URL('./fixtures/drinker.js', import.meta.url)
const often = { max: 100, withinMs: 60_000 }
const end = { done: true, value: undefined }

type FountainRef = Ref<typeof FountainProtocol>

async function fountain(stage: Stage, options: SpawnOptions = {}): Promise<FountainRef> {
  const log = await stage.log
  const on = stage.where.on(module)
  return stage.system.spawn(Fountain, { log }, { name: 'f', on, ...options })
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** At no time more items than were consumed, and may be under way. */
async function staysWithin(
  stage: Stage,
  credit: number,
  f: FountainRef,
  options: { credit?: number },
): Promise<void> {
  const items = f.flow.endless(undefined, options)
  for (let consumed = 1; consumed <= 3 * credit + 2; consumed++) {
    await items.next()
    // Whoever would run ahead has had the time for it.
    await stage.system.clock.sleep(0)
    await stage.system.accounts()
    const produced = await f.ask.produced()
    assert.ok(produced <= consumed + credit, `${produced} made, ${consumed} consumed`)
  }
  // All that may be made is made, unless the credit for it is on its way.
  await eventually(async () => (await f.ask.produced()) >= 3 * credit + 2 + Math.floor(credit / 2))
  await items.return?.()
}

/** One error, in the place of the item that is waited for, and then the end. */
async function endsAs(
  stage: Stage,
  code: Parameters<typeof rejection>[1],
  how: (f: FountainRef) => unknown,
  options: SpawnOptions = {},
): Promise<void> {
  const f = await fountain(stage, options)
  const gate = await stage.gate()
  const items = f.flow.gated(gate.ref)
  assert.equal(await items.next(), { done: false, value: 1 })
  const lost = rejection(items.next(), code)
  const after = items.next()
  await gate.arrived()
  await how(f)
  await lost
  assert.equal(await after, end)
  assert.equal(await items.next(), end)
  const { sent, handled, deadLettered, inFlight } = await stage.system.accounts()
  assert.is(sent, handled + deadLettered + inFlight)
}

export const flows = theme('flows', {
  everywhere: {
    'items come in order, then the end, which stays': async (stage) => {
      const f = await fountain(stage)
      assert.equal(await all(f.flow.count(100)), upTo(100))
      assert.equal(await all(f.flow.list(40)), upTo(40))
      assert.equal(await all(f.flow.count(0)), [])
      const items = f.flow.count(3)
      const together = await Promise.all([items.next(), items.next(), items.next(), items.next()])
      assert.equal(
        together.map(({ value }) => value as unknown),
        [1, 2, 3, undefined],
      )
      assert.equal(await items.next(), end)
    },

    'nothing is sent before the first item is wanted': async (stage) => {
      const f = await fountain(stage)
      const { sent } = await stage.system.accounts()
      const items = f.flow.count(1)
      assert.is((await stage.system.accounts()).sent, sent)
      await items.next()
      assert.is((await stage.system.accounts()).sent, sent + 1)
      assert.equal(await f.flow.count(1).return?.(), end)
      assert.is((await stage.system.accounts()).sent, sent + 1, 'and none when none is')
    },

    'credit bounds how far the producer runs ahead': async (stage) => {
      for (const credit of [1, 2, 7]) {
        const f = await fountain(stage)
        await staysWithin(stage, credit, f, { credit })
        await stage.system.stop(f)
      }
      await staysWithin(stage, 16, await fountain(stage), {})
    },

    'leaving the loop runs finally, and the actor goes on': async (stage) => {
      const f = await fountain(stage)
      for await (const item of f.flow.endless()) if (item === 3) break
      await stage.lines.until('closed')
      const failing = (async () => {
        for await (const item of f.flow.endless()) throw new RangeError(`no ${item}`)
      })()
      await failing.catch(() => undefined)
      await stage.lines.until('closed', 2)
      const produced = await f.ask.produced()
      assert.is(await f.ask.produced(), produced, 'nothing more is made')
      await eventually(async () => (await stage.system.accounts()).inFlight === 0)
      assert.is((await stage.system.accounts()).deadLettered, 0)
    },

    'finally runs when the pending await lets it, and what it throws is nobody’s': async (
      stage,
    ) => {
      const f = await fountain(stage)
      const gate = await stage.gate()
      const items = f.flow.gated(gate.ref)
      await items.next()
      await gate.arrived()
      await items.return?.()
      assert.is(await f.ask.echo(1), 1)
      assert.not(stage.lines.all.includes('closed'))
      gate.open()
      await stage.lines.until('closed')
      for await (const _ of f.flow.failsOnTheWayOut()) break
      await stage.lines.until('closed', 2)
      for await (const _ of f.flow.failsAtOnce()) break
      await stage.lines.until('closed', 3)
      assert.is(await f.ask.life(), 1)
    },

    'a signal ends the flow, also before it is opened': async (stage) => {
      const f = await fountain(stage)
      const abort = new AbortController()
      const gate = await stage.gate()
      const items = f.flow.gated(gate.ref, { signal: abort.signal })
      await items.next()
      const lost = rejection(items.next(), 'ASK_ABORTED')
      abort.abort(new Error('enough'))
      assert.is(((await lost).cause as Error).message, 'enough')
      assert.equal(await items.next(), end)
      gate.open()
      await stage.lines.until('closed')
      const never = f.flow.count(1, { signal: abort.signal })
      await rejection(never.next(), 'ASK_ABORTED')
      assert.equal(await never.next(), end)
    },

    'a KaitianError is an answer, after the items before it': async (stage) => {
      const f = await fountain(stage)
      const items = f.flow.refuses()
      assert.equal(await items.next(), { done: false, value: 1 })
      assert.equal((await rejection(items.next(), 'BAD_TASK')).fields, { after: 1 })
      assert.equal(await items.next(), end)
      await rejection(f.flow.opensBadly('refuses').next(), 'BAD_TASK')
      assert.is(await f.ask.life(), 1, 'the actor goes on')
    },

    'any other error fails the actor': async (stage) => {
      const f = await fountain(stage, { restart: often })
      for (const [life, flow, detail] of [
        [1, f.flow.fails(), 'failed in "fails": a bug'],
        [2, f.flow.opensBadly('fails'), 'failed in "opensBadly": a bug'],
        [3, f.flow.opensBadly('nothing'), 'is no generator'],
      ] as const) {
        assert.is(await f.ask.life(), life)
        const restarted = nextEvent(stage.system, 'restarted')
        assert.match((await rejection(all(flow), 'ACTOR_FAILED')).message, detail)
        await restarted
      }
      assert.is(await f.ask.life(), 4)
    },

    'handlers run beside a flow, and flows beside one another': async (stage) => {
      const f = await fountain(stage)
      const gate = await stage.gate()
      const gated = all(f.flow.gated(gate.ref))
      const gatedToo = all(f.flow.gated(gate.ref))
      await gate.arrived()
      assert.is(await f.ask.echo('beside'), 'beside')
      assert.equal(await all(f.flow.count(20)), upTo(20))
      gate.open()
      assert.equal(
        [await gated, await gatedToo],
        [
          [1, 2],
          [1, 2],
        ],
      )
    },

    'two flows at once keep their items apart': async (stage) => {
      const f = await fountain(stage)
      const [long, short] = [f.flow.count(50), f.flow.list(50, { credit: 3 })]
      for (let n = 1; n <= 50; n++) {
        assert.equal([(await long.next()).value, (await short.next()).value], [n, n])
      }
    },

    'a ref in an item is a ref': async (stage) => {
      const f = await fountain(stage)
      const log = await stage.log
      const [item] = await all(f.flow.refs(log))
      assert.is(item.to[0], f)
      assert.is(item.to[1], log)
    },

    'the opening of a flow is a message like any other': async (stage) => {
      const f = await fountain(stage, { mailbox: { capacity: 1 } })
      const gate = await stage.gate()
      const held = f.ask.hold(gate.ref)
      await gate.arrived()
      const first = f.flow.count(1).next()
      const code = 'MAILBOX_FULL'
      if (stage.where.kind === 'inline') await rejection(f.flow.count(1).next(), code)
      else await rejection(first, code)
      gate.open()
      await held
      if (stage.where.kind === 'inline') assert.is((await first).value, 1)
    },

    'A6 an open flow takes up no room: its opening has left the mailbox': async (stage) => {
      const f = await fountain(stage, { mailbox: { capacity: 2 } })
      const gate = await stage.gate()
      const open = [f.flow.gated(gate.ref), f.flow.gated(gate.ref), f.flow.gated(gate.ref)]
      for (const items of open) assert.is((await items.next()).value, 1)
      assert.is(await f.ask.echo('beside'), 'beside')
      await f.room()
      gate.open()
      for (const items of open) assert.equal(await all(items), [2])
      assert.is(await f.ask.echo('after'), 'after')
      await eventually(async () => (await stage.system.accounts()).inFlight === 0)
    },

    'a consumer elsewhere gets all, and when its thread dies the producer hears': async (stage) => {
      const f = await fountain(stage)
      const on = { thread: drinkerModule }
      const drinker = await stage.system.spawn(Drinker, undefined, { name: 'drinker', on })
      assert.equal(await drinker.ask.drink({ from: f, count: 100 }), upTo(100))
      const gate = await stage.gate()
      const lost = rejection(drinker.ask.sip({ from: f, door: gate.ref }), 'THREAD_EXITED')
      await gate.arrived()
      await stage.system.kill(drinker)
      await lost
      await stage.lines.until('closed')
    },

    'A3 a stop ends the consumer with one error, finally runs before stop': async (stage) => {
      await endsAs(stage, 'ACTOR_STOPPED', (f) => stage.system.stop(f))
      const f = await fountain(stage)
      await f.flow.endless().next()
      // Then it awaits nothing but credit.
      await eventually(async () => (await f.ask.produced()) === 16)
      await stage.system.stop(f)
      await stage.lines.until('closed')
      assert.equal(stage.lines.all.slice(-2), ['closed', 'stop'])
      await rejection(f.flow.count(1).next(), 'ACTOR_STOPPED')
    },

    'A3 a kill ends the consumer with one error': async (stage) => {
      await endsAs(stage, stage.where.deathCode, (f) => stage.system.kill(f))
    },

    'A3 a failure that is followed by a restart ends the consumer with one error': async (
      stage,
    ) => {
      const restarted = nextEvent(stage.system, 'restarted')
      const fail = async (f: FountainRef) => rejection(f.ask.fault(), 'ACTOR_FAILED')
      await endsAs(stage, 'ACTOR_RESTARTING', fail, { restart: often })
      await restarted
    },

    'A3 a failure for good ends the consumer with one error': async (stage) => {
      const fail = async (f: FountainRef) => rejection(f.ask.fault(), 'ACTOR_FAILED')
      await endsAs(stage, 'ACTOR_STOPPED', fail)
    },
  },

  real: {
    'A3 the death of the thread ends the consumer with one error': async (stage) => {
      const { deathCode } = stage.where
      await endsAs(stage, deathCode, (f) => rejection(f.ask.exit(), deathCode))
    },
  },

  inline: {
    'A4 a flow that ends its own incarnation before its first await is accounted once': async (
      stage,
    ) => {
      for (const how of ['gives', 'waits', 'throws'] as const) {
        const f = await fountain(stage, { name: how })
        await rejection(f.flow.killsItself(how).next(), 'ACTOR_STOPPED')
        const { sent, handled, deadLettered, inFlight } = await stage.system.accounts()
        assert.is(inFlight, 0)
        assert.is(sent, handled + deadLettered)
      }
    },

    'an endless flow does not starve timers': async (stage) => {
      const f = await fountain(stage)
      let due = false
      const cancel = stage.system.clock.after(1, () => (due = true))
      for await (const item of f.flow.endless()) {
        if (due) break
        assert.ok(item < 10_000_000, 'the timer never got its turn')
      }
      cancel()
    },
  },
})

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1)
}
