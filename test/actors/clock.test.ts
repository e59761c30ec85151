import { systemClock, virtualClock } from '@kaitian/actors'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from './support.js'
import { finiteSteps, NaiveTimers, play, starts, worldOf } from './timer-model.js'

const test = suite('clock')

test('virtual timers fire in order of due time, ties in order of creation', async () => {
  const clock = virtualClock(100)
  const fired: string[] = []
  for (const [name, ms] of [
    ['b', 20],
    ['a', 10],
    ['b2', 20],
    ['late', 40],
  ] as const) {
    clock.after(ms, () => fired.push(`${name}@${clock.now()}`))
  }
  clock.after(15, () => fired.push('cancelled'))()
  await clock.advance(30)
  assert.equal(fired, ['a@110', 'b@120', 'b2@120'])
  assert.is(clock.now(), 130)
  assert.is(clock.pending, 1)
  assert.ok(await clock.advanceToNext())
  assert.is(clock.now(), 140)
  assert.not(await clock.advanceToNext())
})

test('a virtual clock that is paused goes on, and makes nobody late', async () => {
  const clock = virtualClock(100)
  let fired = 0
  clock.after(10, () => fired++)
  await clock.advance(9)
  clock.pause(1000)
  assert.equal([clock.now(), clock.running(), clock.wallTime().getTime()], [1109, 109, 1009])
  await clock.advance(0)
  assert.is(fired, 0)
  await clock.advance(1)
  assert.is(fired, 1)
  assert.is(clock.now(), 1110)
})

test('while a thread is busy, or stopped, its time stands still, and its timers wait', async () => {
  const [startedAt, runningAt] = [systemClock.now(), systemClock.running()]
  const late: number[] = []
  const waiting = [300, 600].map((ms) =>
    systemClock.sleep(ms).then(() => late.push(systemClock.running() - runningAt - ms)),
  )
  const busyUntil = systemClock.now() + 1000
  while (systemClock.now() < busyUntil);
  await Promise.all(waiting)
  assert.equal([late.length, late.every((ms) => ms > -2)], [2, true])
  const [passed, ran] = [systemClock.now() - startedAt, systemClock.running() - runningAt]
  assert.ok(passed - ran >= 700, `${passed} ms passed, of which ${ran} were its own`)
  assert.ok(ran >= 598)
})

test('code woken on the way sets timers that fire in the same advance', async () => {
  const clock = virtualClock()
  const at: number[] = []
  const walker = (async () => {
    for (let i = 0; i < 5; i++) {
      await clock.sleep(10)
      at.push(clock.now())
    }
  })()
  await clock.advance(100)
  await walker
  assert.equal(at, [10, 20, 30, 40, 50])
})

test('a virtual clock does what a sorted list of timers does', async () => {
  const property = fc.asyncProperty(finiteSteps, starts, async (script, start) => {
    const clock = virtualClock(start)
    const timers = {
      after: (ms: number, fn: () => void) => ({ cancel: clock.after(ms, fn) }),
    }
    const log = await play(
      script,
      worldOf(clock, timers, () => clock.pending),
    )
    assert.equal(log, await play(script, new NaiveTimers(start)))
  })
  await fc.assert(property, { seed: 43, numRuns: 2_000 })
})

test('a virtual clock forgets cancelled timers at once, and a timer that failed', async () => {
  const clock = virtualClock()
  const cancels = Array.from({ length: 1000 }, (_, i) =>
    clock.after(1 + ((i * 7) % 1000), () => {}),
  )
  clock.after(2000, () => {
    throw new Error('why')
  })
  for (const cancel of cancels) cancel()
  for (const cancel of cancels) cancel()
  assert.is(clock.pending, 1)
  const error: unknown = await clock.advance(3000).catch((reason: unknown) => reason)
  assert.is((error as Error).message, 'why')
  assert.is(clock.now(), 2000)
  assert.is(clock.pending, 0)
})

for (const [name, clock] of [
  ['system', systemClock],
  ['virtual', virtualClock()],
] as const) {
  test(`a sleep ends early when its signal aborts, and leaves no timer (${name})`, async () => {
    const abort = new AbortController()
    const sleeping = rejection(clock.sleep(60_000, abort.signal), 'CANCELLED')
    abort.abort(new Error('why'))
    assert.is(((await sleeping).cause as Error).message, 'why')
    await rejection(clock.sleep(60_000, abort.signal), 'CANCELLED')
    assert.not(process.getActiveResourcesInfo().includes('Timeout') && name === 'virtual')
  })
}

test('the system clock runs and does not fire far timers at once', async () => {
  const start = systemClock.now()
  let fired = false
  const cancel = systemClock.after(2 ** 32, () => (fired = true))
  await systemClock.sleep(5)
  cancel()
  assert.not(fired)
  assert.ok(systemClock.now() > start)
})

test.run()
