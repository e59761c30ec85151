import { systemClock, virtualClock } from '@kaitian/actors'
import { TimerWheel } from '@kaitian/actors/internal'
import { KaitianError } from '@kaitian/errors'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LeapingClock } from './leaping-clock.js'
import { NaiveTimers, play, starts, steps, worldOf } from './timer-model.js'

const test = suite('timer wheel')

const day = 24 * 60 * 60 * 1000
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('timers fire at their time, in order of it and of their creation', async () => {
  const clock = virtualClock()
  const wheel = new TimerWheel(clock)
  const fired: string[] = []
  for (const ms of [700, 100, 300, 100, 40_000, 1]) {
    const name = `${wheel.size}`
    wheel.after(ms, () => fired.push(`${name}@${clock.now()}`))
  }
  assert.is(wheel.size, 6)
  assert.is(clock.pending, 1)
  await clock.advance(800)
  assert.equal(fired, ['5@1', '1@100', '3@100', '2@300', '0@700'])
  assert.is(wheel.size, 1)
  assert.ok(await clock.advanceToNext())
  assert.is(clock.now(), 40_000)
  assert.not(await clock.advanceToNext())
})

test('it does what a sorted list of timers does', async () => {
  const ticks = fc.constantFrom(1, 1, 4, 16)
  const property = fc.asyncProperty(steps, starts, ticks, async (script, start, tickMs) => {
    const clock = virtualClock(start)
    const wheel = new TimerWheel(clock, { tickMs })
    const world = worldOf(clock, wheel, () => {
      assert.ok(clock.pending <= 1, 'one timer of the clock serves all')
      return wheel.size
    })
    const log = await play(script, world)
    assert.equal(log, await play(script, new NaiveTimers(start, tickMs)))
    wheel.close()
    assert.is(clock.pending, 0)
    assert.is(wheel.size, 0)
  })
  await fc.assert(property, { seed: 41, numRuns: 3_000 })
})

test('a clock that leaps ahead fires all that is due, in order, and nothing too early', async () => {
  const property = fc.asyncProperty(steps, async (script) => {
    const clock = new LeapingClock()
    const wheel = new TimerWheel(clock)
    const fired: { due: number; order: number }[] = []
    const handles: { cancel(): void }[] = []
    for (const step of script) {
      if (step.do === 'add') {
        const timer = { due: Math.ceil(clock.time + Math.max(0, step.ms)), order: handles.length }
        handles.push(
          wheel.after(step.ms, () => {
            assert.ok(timer.due <= clock.time)
            fired.push(timer)
          }),
        )
      }
      if (step.do === 'cancel') handles.at(step.which % handles.length)?.cancel()
      if (step.do !== 'advance') continue
      const from = fired.length
      clock.leapTo(clock.time + step.ms)
      const batch = fired.slice(from)
      const sorted = batch.toSorted((a, b) => a.due - b.due || a.order - b.order)
      assert.equal(batch, sorted)
    }
    const left = wheel.size
    const from = fired.length
    await turn()
    clock.leapTo(2 ** 45)
    const never = script.filter((step) => step.do === 'add' && step.ms === Infinity).length
    assert.ok(wheel.size <= never)
    assert.is(fired.length - from, left - wheel.size)
    wheel.close()
    assert.not(clock.pending)
  })
  await fc.assert(property, { seed: 42, numRuns: 1_000 })
})

test('what the callbacks of a tick set for that tick comes after it, and does not hold it up', async () => {
  const clock = new LeapingClock()
  const wheel = new TimerWheel(clock)
  const fired: string[] = []
  const again = (): void => {
    fired.push('again')
    if (fired.length < 5) wheel.after(0, again)
  }
  wheel.after(10, again)
  const spared = wheel.after(10, () => fired.push('spared'))
  const first = wheel.after(5, () => {
    fired.push('first')
    spared.cancel()
    wheel.after(0, () => fired.push('now'))
  })
  wheel.after(10, () => fired.push('last'))
  clock.time = 10
  assert.is(wheel.size, 4)
  clock.leapTo(10)
  assert.equal(fired, ['first', 'again', 'last', 'now', 'again'])
  first.cancel()
  spared.cancel()
  assert.is(wheel.size, 0)
})

test('nothing is called before after() has returned', async () => {
  const clock = virtualClock()
  const wheel = new TimerWheel(clock)
  let fired = 0
  for (const ms of [0, -5, -Infinity]) wheel.after(ms, () => fired++)
  assert.is(fired, 0)
  await clock.advance(0)
  assert.is(fired, 3)
})

test('a callback that throws is the clock’s affair; the others fire', async () => {
  const clock = virtualClock()
  const wheel = new TimerWheel(clock)
  const fired: string[] = []
  const failing = (): void => {
    fired.push('failing')
    wheel.after(0, () => fired.push('set by failing'))
    throw new Error('why')
  }
  wheel.after(10, failing)
  wheel.after(10, () => fired.push('same tick'))
  wheel.after(11, () => fired.push('next tick'))
  const cancelled = wheel.after(10, () => fired.push('cancelled'))
  const error: unknown = await clock.advance(20).catch((reason: unknown) => reason)
  assert.is((error as Error).message, 'why')
  cancelled.cancel()
  assert.is(wheel.size, 3)
  await clock.advance(20)
  assert.equal(fired, ['failing', 'same tick', 'set by failing', 'next tick'])
  assert.is(clock.pending, 0)
})

test('a callback that throws does not leave the rest of its tick waiting for another', async () => {
  const clock = virtualClock()
  const wheel = new TimerWheel(clock)
  let fired = 0
  wheel.after(10, unexpected)
  wheel.after(10, () => fired++)
  await clock.advance(10).catch(() => undefined)
  assert.ok(await clock.advanceToNext())
  assert.is(fired, 1)
  assert.is(clock.now(), 10)
})

test('after the last cancel and a turn, or after close, the clock has no timer', async () => {
  const clock = virtualClock()
  const wheel = new TimerWheel(clock)
  const [a, b] = [wheel.after(10, unexpected), wheel.after(20, unexpected)]
  a.cancel()
  b.cancel()
  b.cancel()
  await turn()
  assert.is(clock.pending, 0)
  assert.is(wheel.size, 0)
  const c = wheel.after(10, unexpected)
  wheel.after(Infinity, unexpected)
  assert.is(clock.pending, 1)
  wheel.close()
  assert.is(clock.pending, 0)
  c.cancel()
  assert.is(wheel.size, 0)
  await turn()
  assert.not(await clock.advanceToNext())
})

test('a cancelled timer does not keep the process alive', async () => {
  const wheel = new TimerWheel(systemClock)
  wheel.after(day, unexpected).cancel()
  assert.ok(process.getActiveResourcesInfo().includes('Timeout'))
  await turn()
  assert.not(process.getActiveResourcesInfo().includes('Timeout'))
  wheel.after(Infinity, unexpected)
  assert.not(process.getActiveResourcesInfo().includes('Timeout'))
  wheel.after(day, unexpected).cancel()
  wheel.close()
  assert.not(process.getActiveResourcesInfo().includes('Timeout'))
  assert.not(process.getActiveResourcesInfo().includes('Immediate'))
})

test('when the next timer is cancelled the clock is set for the one after it', async () => {
  const clock = virtualClock()
  const wheel = new TimerWheel(clock)
  let fired = 0
  wheel.after(500, () => fired++)
  wheel.after(10, unexpected).cancel()
  assert.ok(await clock.advanceToNext())
  assert.is(fired, 1)
  assert.is(clock.now(), 500)
})

test('timers that are set and cancelled within a turn reach the clock once', async () => {
  const clock = new LeapingClock()
  const wheel = new TimerWheel(clock)
  for (let i = 0; i < 1000; i++) wheel.after(5000, unexpected).cancel()
  assert.is(clock.armed, 1)
  await turn()
  assert.not(clock.pending)
  assert.is(clock.armed, 1)
})

test('timers that callbacks set reach the clock once', () => {
  const clock = new LeapingClock()
  const wheel = new TimerWheel(clock)
  wheel.after(10, () => {
    for (let ms = 100; ms > 0; ms--) wheel.after(ms, unexpected)
  })
  clock.leapTo(10)
  assert.is(clock.armed, 2)
  wheel.close()
})

test('many timers that end out of order are found in order', async () => {
  const clock = virtualClock()
  const wheel = new TimerWheel(clock)
  const due: number[] = []
  const timers = Array.from({ length: 20_000 }, (_, i) => {
    const ms = 1 + ((i * 7919) % 20_011)
    return wheel.after(ms, () => due.push(ms))
  })
  for (let i = 0; i < timers.length; i += 2) timers[i].cancel()
  await clock.advance(30_000)
  assert.is(due.length, 10_000)
  assert.equal(
    due,
    due.toSorted((a, b) => a - b),
  )
})

test('delays of years and of parts of a tick are kept', async () => {
  const clock = virtualClock(0.25)
  const wheel = new TimerWheel(clock)
  const fired: number[] = []
  for (const ms of [0.5, 1, 30 * 365 * day]) wheel.after(ms, () => fired.push(clock.now()))
  await clock.advance(40 * 365 * day)
  assert.equal(fired, [1, 2, 30 * 365 * day + 1])
})

test('on the system clock a timer is never early', async () => {
  const wheel = new TimerWheel(systemClock)
  const early: number[] = []
  const waits = Array.from({ length: 40 }, (_, i) => {
    const due = systemClock.now() + i / 4
    return new Promise<void>((resolve) => {
      wheel.after(i / 4, () => {
        if (systemClock.now() < due) early.push(i)
        resolve()
      })
    })
  })
  await Promise.all(waits)
  wheel.close()
  assert.equal(early, [])
})

test('senseless arguments and a closed wheel are refused', () => {
  const refused = (code: string, make: () => unknown): void => {
    assert.throws(make, (error: unknown) => error instanceof KaitianError && error.code === code)
  }
  for (const tickMs of [0, -1, 0.5, NaN, Infinity]) {
    refused('BAD_ARGUMENT', () => new TimerWheel(virtualClock(), { tickMs }))
  }
  const wheel = new TimerWheel(virtualClock())
  refused('BAD_ARGUMENT', () => wheel.after(NaN, unexpected))
  assert.is(wheel.size, 0)
  wheel.close()
  wheel.close()
  refused('SYSTEM_STOPPED', () => wheel.after(1, unexpected))
})

function unexpected(): void {
  throw new Error('a timer fired that was to be cancelled')
}

test.run()
