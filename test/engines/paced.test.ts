import { virtualClock, type VirtualClock } from '@kaitian/actors'
import { paced, type Batch, type Engine } from '@kaitian/train/engines'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('engines/paced')

const batch: Batch = {
  count: 4,
  inputs: new Float32Array(4),
  labels: new Uint8Array(4),
  ids: new Uint32Array(4),
}

/** Works for `ms` and is ready in two parts, the first at once. */
function worker(clock: VirtualClock, ms: number): Engine {
  return {
    name: 'worker',
    description: 'a worker',
    load() {},
    async gradient({ count }, into, ready) {
      into.fill(1, 1)
      ready(1)
      await clock.sleep(ms)
      into[0] = 1
      ready(0)
      return { count, lossSum: 0, correct: 0 }
    },
    evaluate: ({ count }) => ({ count, lossSum: 0, correct: 0 }),
    dispose() {},
  }
}

test('holds back ready until alpha + beta × samples have passed', async () => {
  const clock = virtualClock()
  const engine = paced(worker(clock, 5), { alphaMs: 10, betaMs: 5, clock })
  const marks: number[] = []
  const step = engine.gradient(batch, new Float32Array(2), (from) => marks.push(from))
  await clock.advance(29.9)
  assert.equal(marks, [])
  await clock.advance(0.1)
  await step
  assert.equal(marks, [1, 0])
  assert.is(engine.lastOwnComputeMs, 5)
})

test('a step that is slower by itself takes its own time', async () => {
  const clock = virtualClock()
  const engine = paced(worker(clock, 50), { alphaMs: 10, betaMs: 5, clock })
  const marks: number[] = []
  const step = engine.gradient(batch, new Float32Array(2), (from) => marks.push(from))
  await clock.advance(49)
  assert.equal(marks, [])
  await clock.advance(1)
  await step
  assert.equal(marks, [1, 0])
  assert.is(engine.lastOwnComputeMs, 50)
})

test('refuses a pace that is no time', () => {
  const clock = virtualClock()
  assert.throws(() => paced(worker(clock, 1), { alphaMs: NaN, betaMs: 0, clock }), /alphaMs/)
})

test.run()
