import { follow, outside, type MemberState, type Plan } from '@kaitian/train/step'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('step member')

const plan: Plan = {
  generation: 3,
  epoch: 0,
  step: 5,
  ordinal: 2,
  size: 4,
  firstShard: 0,
  shardCount: 1,
  shares: { 'sim:0': { quota: 4, first: 0, count: 1 } },
  learningRate: 0.1,
  reason: 'a test',
  moved: false,
}
const stale = [
  { ...plan, generation: 2 },
  { ...plan, epoch: 1 },
  { ...plan, step: 4 },
  { ...plan, ordinal: 1 },
]
const voted: MemberState = { phase: 'voted', generation: 3, plan }

test('T3 only a commit of the very attempt that was voted for flips the state', () => {
  assert.is(follow(voted, { kind: 'commit', attempt: plan }).action.kind, 'flip')
  for (const attempt of stale) {
    const { state, action } = follow(voted, { kind: 'commit', attempt })
    assert.is(action.kind, 'ignore')
    assert.is(state, voted)
  }
})

test('T3 a result of another attempt is never used', () => {
  const reducing: MemberState = { phase: 'reducing', generation: 3, plan }
  assert.is(follow(reducing, { kind: 'reduced', attempt: plan }).action.kind, 'update')
  for (const attempt of stale) {
    assert.is(follow(reducing, { kind: 'reduced', attempt }).action.kind, 'ignore')
  }
})

test('a plan of another generation, or in the wrong phase, is not computed', () => {
  const ready: MemberState = { phase: 'ready', generation: 3 }
  assert.is(follow(ready, { kind: 'plan', plan }).action.kind, 'compute')
  assert.is(follow(ready, { kind: 'plan', plan: stale[0] }).action.kind, 'ignore')
  for (const state of [outside, voted]) {
    assert.is(follow(state, { kind: 'plan', plan }).action.kind, 'ignore')
  }
})

test('a member that left takes no decision any more', () => {
  const { state } = follow(voted, { kind: 'leave' })
  assert.is(state.phase, 'outside')
  assert.is(follow(state, { kind: 'commit', attempt: plan }).action.kind, 'ignore')
})

test.run()
