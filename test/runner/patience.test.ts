import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AT_WORK, LOOK_MS, beginVigil, continueVigil, reasonToGiveUp, words } from './patience.js'
import type { Sample, Vigil } from './patience.js'

const test = suite('patience')

const still: Sample = { now: 0, printed: 0, cpuMs: 0, stopped: false, share: 1 }
/** Longer than any of the limits. */
const AGES_MS = 100 * AT_WORK.totalMs

interface Seen {
  readonly reason: string | undefined
  readonly atMs: number
}

/** Looks once a second, until it is given up or for so long; `next` says what has changed. */
function watch(next: (sample: Sample, second: number) => Partial<Sample>, forMs = AGES_MS): Seen {
  let vigil: Vigil = beginVigil(still)
  let sample = still
  for (let second = 1; second * LOOK_MS <= forMs; second++) {
    sample = { ...sample, now: sample.now + LOOK_MS, ...next(sample, second) }
    vigil = continueVigil(vigil, sample, AT_WORK)
    const reason = reasonToGiveUp(vigil, AT_WORK)
    if (reason !== undefined) return { reason, atMs: second * LOOK_MS }
  }
  return { reason: undefined, atMs: forMs }
}

const uses =
  (ms: number) =>
  ({ cpuMs = 0 }: Sample): Partial<Sample> => ({ cpuMs: cpuMs + ms })

test('a program that idles for ever is given up', () => {
  const { reason, atMs } = watch(() => ({}))
  assert.is(atMs, AT_WORK.idleMs)
  assert.is(reason, 'printed nothing and did next to nothing for 5 min')
})

test('so is one that only wakes up now and then, however long it does', () => {
  assert.is(watch(uses(60)).atMs, AT_WORK.idleMs)
})

test('one that computes without a word is given more time, but not for ever', () => {
  const { reason, atMs } = watch(uses(LOOK_MS))
  assert.is(atMs, AT_WORK.busyMs)
  assert.is(reason, 'printed nothing during 15 min of processor time')
})

test('what counts is the processor time that it gets, not how long that takes', () => {
  const alone = watch(uses(1000))
  const crowded = watch((sample) => ({ ...uses(250)(sample), share: 0.25 }))
  assert.is(crowded.reason, alone.reason)
  assert.is(crowded.atMs, 4 * alone.atMs)
})

test('output is progress, but for no longer than the whole may take', () => {
  const prints = (sample: Sample, second: number): Partial<Sample> =>
    second % 60 === 0 ? { printed: sample.printed + 1 } : {}
  const { reason, atMs } = watch(prints)
  assert.is(atMs, AT_WORK.totalMs)
  assert.is(reason, 'took more than 60 min')
})

test('on a crowded machine the whole may take longer', () => {
  const prints = ({ printed }: Sample): Partial<Sample> => ({ printed: printed + 1, share: 0.1 })
  assert.is(Math.round(watch(prints).atMs / LOOK_MS), (10 * AT_WORK.totalMs) / LOOK_MS)
})

test('a test that has done something and then hangs is given up as soon', () => {
  const prints = (sample: Sample, second: number): Partial<Sample> =>
    second <= 100 ? { printed: sample.printed + 1 } : {}
  assert.is(watch(prints).atMs, 100 * LOOK_MS + AT_WORK.idleMs)
})

test('time in which it is stopped does not count', () => {
  const stopped = (_: Sample, second: number): Partial<Sample> => ({ stopped: second > 10 })
  assert.is(watch(stopped).reason, undefined)
  const woken = watch((_, second) => ({ stopped: second > 10 && second <= 5000 }))
  assert.is(woken.atMs, AT_WORK.idleMs + 4990 * LOOK_MS)
})

test('a machine that slept, and a runner that was held up, cost time only', () => {
  const slept = watch(({ now }, second) => (second === 10 ? { now: now + AGES_MS } : {}))
  assert.is(slept.atMs, AT_WORK.idleMs - LOOK_MS)
  const late = watch(({ now }) => ({ now: now + 10 * LOOK_MS }))
  assert.is(late.atMs, AT_WORK.idleMs / 2)
})

test('one that is let run only now and then is not idle, however long that takes', () => {
  const bursts = (sample: Sample, second: number): Partial<Sample> =>
    second % 60 === 0 ? { ...uses(3000)(sample), share: 0.1 } : { share: 0.1 }
  const { reason, atMs } = watch(bursts)
  assert.is(reason, 'printed nothing during 15 min of processor time')
  assert.is(atMs, 20 * AT_WORK.busyMs)
})

test('one that computes and then hangs is given up when it was idle for a whole span', () => {
  const { reason, atMs } = watch((sample, second) => (second <= 100 ? uses(1000)(sample) : {}))
  assert.match(reason ?? '', 'did next to nothing for 5 min')
  assert.is(atMs, 2 * AT_WORK.idleMs)
})

test('a process that ended takes its time with it: that is no progress, and no error', () => {
  const { atMs } = watch((_, second) => ({ cpuMs: second === 5 ? 900 : 100 }))
  assert.is(atMs, AT_WORK.idleMs)
})

test('where processor time is not known, it may all have been used', () => {
  const { atMs } = watch(() => ({ cpuMs: undefined }))
  assert.is(atMs, AT_WORK.busyMs)
})

test('durations in words', () => {
  assert.equal([400, 59_400, 60_000, 312_000].map(words), ['0 s', '59 s', '1 min', '5 min 12 s'])
})

test.run()
