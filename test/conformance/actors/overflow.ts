import type { DeadLetterReason, Overflow } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { eventually, rejection } from '../../actors/support.js'
import { Sender } from './fixtures/sender.js'
import { theme, type Body, type PlayerRef, type Stage } from './stage.js'

const senderModule = new URL('./fixtures/sender.js', import.meta.url)
const capacity = 4

/** From the test's own thread, or from one that is not the player's either. */
const origins = ['the test', 'another thread'] as const
type Origin = (typeof origins)[number]

/** A sender, and a player whose handler is held, so that its mailbox fills up. */
interface Jam {
  player: PlayerRef
  tells: (from: number, until: number) => Promise<string[]>
  asks: (values: number[]) => Promise<unknown[]>
  /** Messages of the sender that are `queued` before the policy is applied. */
  free: number
  /** They cross to another thread, where they are out of the policy's reach. */
  crossing: boolean
  letGo: () => Promise<void>
}

async function jam(stage: Stage, overflow: Overflow, origin: Origin): Promise<Jam> {
  const gate = await stage.gate()
  const player = await stage.play('p', {}, { mailbox: { capacity, overflow } })
  const held = player.ask.hold(gate.ref)
  await gate.arrived()
  const letGo = async (): Promise<void> => {
    gate.open()
    await held
  }
  if (origin === 'another thread') {
    const on = { thread: senderModule }
    const sender = await stage.system.spawn(Sender, undefined, { name: 'sender', on })
    return {
      player,
      tells: (from, until) => sender.ask.tells({ to: player, from, until }),
      asks: (values) => sender.ask.asks({ to: player, values }),
      free: capacity,
      crossing: true,
      letGo,
    }
  }
  const sender = new Sender()
  const crossing = stage.where.kind !== 'inline'
  return {
    player,
    tells: async (from, until) => sender.tells({ to: player, from, until }),
    asks: (values) => sender.asks({ to: player, values }),
    // The sender cannot know that the message in hand has left the mailbox.
    free: crossing ? capacity - 1 : capacity,
    crossing,
    letGo,
  }
}

/** So many letters with this reason, one after the other. */
function letters(stage: Stage, reason: DeadLetterReason, count: number): Promise<void> {
  let left = count
  return new Promise((resolve) => {
    stage.system.events.on('dead-letter', (letter) => {
      if (letter.reason === reason && --left === 0) resolve()
    })
  })
}

async function takenBy(player: PlayerRef, count: number): Promise<number[]> {
  let taken: number[] = []
  await eventually(async () => {
    taken = await player.ask.taken().catch(() => [])
    return taken.length >= count
  })
  return taken
}

type Try = (stage: Stage, origin: Origin) => Promise<void>

const rejects: Try = async (stage, origin) => {
  const { player, tells, asks, free, letGo } = await jam(stage, 'reject', origin)
  const full = letters(stage, 'mailbox-full', 20 - free + 2)
  assert.equal(await tells(0, 20), outcomes([free, 'queued'], [20 - free, 'rejected']))
  assert.equal(await asks([1, 2]), ['MAILBOX_FULL', 'MAILBOX_FULL'])
  await full
  await letGo()
  assert.equal(await takenBy(player, free), upTo(free))
  await eventually(async () => (await tells(50, 51))[0] === 'queued')
  assert.equal(await takenBy(player, free + 1), [...upTo(free), 50], 'there is room again')
}

const dropsNewest: Try = async (stage, origin) => {
  const { player, tells, asks, free, letGo } = await jam(stage, 'drop-newest', origin)
  const dropped = letters(stage, 'dropped', 20 - free + 2)
  assert.equal(await tells(0, 20), outcomes([free, 'queued'], [20 - free, 'dropped']))
  assert.equal(await asks([1, 2]), ['MESSAGE_DROPPED', 'MESSAGE_DROPPED'])
  await dropped
  await letGo()
  assert.equal(await takenBy(player, free), upTo(free))
}

const dropsOldest: Try = async (stage, origin) => {
  const { player, tells, asks, free, crossing, letGo } = await jam(stage, 'drop-oldest', origin)
  const kept = free + (crossing ? capacity : 0)
  const dropped = letters(stage, 'dropped', 20 - kept + 10)
  assert.equal(await tells(0, 20), outcomes([20, 'queued']))
  const answers = asks(upTo(10))
  await dropped
  await letGo()
  const expected = [...outcomes([6, 'MESSAGE_DROPPED']), 6, 7, 8, 9]
  assert.equal(await answers, expected, 'the asks took the places of the tells, then of asks')
  const taken = await takenBy(player, crossing ? free : 0)
  assert.equal(taken, crossing ? upTo(free) : [], 'what is on its way cannot be dropped')
}

const waits: Try = async (stage, origin) => {
  const { player, tells, asks, free, letGo } = await jam(stage, 'wait', origin)
  const rest = 20 - free - capacity
  assert.equal(
    await tells(0, 20),
    outcomes([free, 'queued'], [capacity, 'waiting'], [rest, 'rejected']),
  )
  assert.equal(await asks([1]), ['MAILBOX_FULL'])
  await letGo()
  assert.equal(await takenBy(player, free + capacity), upTo(free + capacity))
}

const asksWait: Try = async (stage, origin) => {
  const { tells, asks, free, letGo } = await jam(stage, 'wait', origin)
  const full = letters(stage, 'mailbox-full', 1)
  await tells(0, free)
  const answers = asks(upTo(5))
  await full
  await letGo()
  assert.equal(await answers, [0, 1, 2, 3, 'MAILBOX_FULL'])
}

/** Names with the origin of the messages. */
function fromEach(title: string, body: Try): Record<string, Body> {
  return Object.fromEntries(
    origins.map((origin) => [`${title}, from ${origin}`, (stage: Stage) => body(stage, origin)]),
  )
}

const bySenderThatWaits: Try = async (stage, origin) => {
  const options = { mailbox: { capacity, overflow: 'wait' } } as const
  const player = await stage.play('p', {}, options)
  const order = { to: player, from: 0, until: 200 }
  const sent =
    origin === 'the test'
      ? await new Sender().politely(order)
      : await (
          await stage.system.spawn(Sender, undefined, { on: { thread: senderModule } })
        ).ask.politely(order)
  assert.equal([...new Set(sent)], ['queued', 'waiting'])
  assert.equal(await takenBy(player, 200), upTo(200))
}

async function roomWhenGone(stage: Stage): Promise<void> {
  const gate = await stage.gate()
  const player = await stage.play('p', {}, { mailbox: { capacity: 1 } })
  await player.room()
  const held = player.ask.hold(gate.ref).catch(() => undefined)
  await gate.arrived()
  player.tell.take(1)
  const room = rejection(player.room(), stage.where.deathCode)
  await stage.system.kill(player)
  await Promise.all([room, held])
  await rejection(player.room(), stage.where.deathCode)
  const stopped = await stage.play('stopped')
  await stage.system.stop(stopped)
  await rejection(stopped.room(), 'ACTOR_STOPPED')
}

/** What becomes of a child that lives in another actor's thread is known there alone. */
async function roomOfChild(stage: Stage): Promise<void> {
  const gate = await stage.gate()
  const restart = { max: 1, withinMs: 60_000 }
  const script = { disposeAt: gate.ref, waitsIn: [1] }
  const parent = await stage.raise('parent', {
    children: [
      { name: 'stopped' },
      { name: 'restarted', script, options: { restart } },
      { name: 'left', options: { mailbox: { capacity: 1 } } },
    ],
  })
  const stopped = await parent.ask.child('stopped')
  await stopped.room()
  await stage.system.stop(stopped)
  await rejection(stopped.room(), 'ACTOR_STOPPED')

  const restarted = await parent.ask.child('restarted')
  const killed = stage.system.kill(restarted, { restart: true })
  await gate.arrived()
  let hasRoom = false
  const room = restarted.room().then(() => (hasRoom = true))
  await parent.ask.echo('by now it would be here')
  await stage.system.accounts()
  assert.not(hasRoom)
  gate.open()
  await Promise.all([room, killed])
  assert.is(await restarted.ask.life(), 2)

  const left = await parent.ask.child('left')
  const door = await stage.gate()
  const held = left.ask.hold(door.ref).catch(() => undefined)
  await door.arrived()
  left.tell.take(1)
  const lost = rejection(left.room(), stage.where.deathCode)
  await stage.system.kill(parent)
  await Promise.all([lost, held])
  await rejection(left.room(), stage.where.deathCode)
}

/** Each sender may have as many on their way as the mailbox takes: some are refused at its door. */
async function twoSenders(stage: Stage): Promise<void> {
  const { player, tells, letGo } = await jam(stage, 'reject', 'another thread')
  const before = await stage.system.accounts()
  const mine = new Sender().tells({ to: player, from: 0, until: 10 })
  await tells(100, 110)
  await letGo()
  await eventually(async () => (await stage.system.accounts()).inFlight === 0)
  const { sent, handled, deadLettered } = await stage.system.accounts()
  assert.is(sent, handled + deadLettered)
  const taken = await player.ask.taken()
  assert.ok(taken.length >= capacity, `${taken.length} were handled`)
  const ofMine = taken.filter((n) => n < 100)
  assert.equal(ofMine, upTo(ofMine.length), 'those of one sender in order, without a gap')
  assert.ok(ofMine.length <= mine.filter((outcome) => outcome === 'queued').length)
  assert.is(deadLettered - before.deadLettered, 20 - taken.length)
}

export const overflow = theme('overflow', {
  everywhere: {
    ...fromEach('A6 reject: the sender sees what was refused', rejects),
    ...fromEach('A6 drop-newest: one more is dropped', dropsNewest),
    ...fromEach('A6 drop-oldest: one more takes the place of the oldest', dropsOldest),
    ...fromEach('A6 wait: as many again are held back, the rest is refused', waits),
    ...fromEach('A6 wait: an ask waits for its turn', asksWait),
    ...fromEach('A2 A6 who waits for room loses nothing', bySenderThatWaits),
    'A6 room() rejects when the actor is gone': roomWhenGone,
    'A6 room() of a child elsewhere rejects when it is gone, and waits for its restart':
      roomOfChild,
    'A4 A6 two senders share a mailbox, and each message is accounted for': twoSenders,
  },

  timed: {
    'A6 room() waits for a restart': async (stage, clock) => {
      const restart = { max: 1, withinMs: 60_000, backoffMs: 100 }
      const player = await stage.play('p', {}, { restart })
      await stage.system.kill(player, { restart: true })
      await rejection(player.ask.echo(1), 'ACTOR_RESTARTING')
      let open = false
      const room = player.room().then(() => (open = true))
      await clock.advance(99)
      assert.not(open)
      await clock.advance(1)
      await room
      assert.is(await player.ask.life(), 2)
    },
  },

  inline: {
    'what cannot be a mailbox is refused': async (stage) => {
      for (const size of [0, -1, 1.5, NaN, Infinity]) {
        const mailbox = { capacity: size }
        await rejection(stage.play('p', {}, { mailbox }), 'BAD_ARGUMENT')
      }
      const mailbox = { overflow: 'throw' as Overflow }
      await rejection(stage.play('p', {}, { mailbox }), 'BAD_ARGUMENT')
    },
  },
})

function outcomes(...runs: [count: number, outcome: string][]): string[] {
  return runs.flatMap(([count, outcome]) => Array.from({ length: count }, () => outcome))
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}
