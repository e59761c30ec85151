import { follow, outside, type AttemptId, type MemberState } from '@kaitian/train/step'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('step member')

const attempt: AttemptId = { generation: 3, epoch: 0, step: 5, ordinal: 2 }
const stale = [
  { ...attempt, generation: 2 },
  { ...attempt, epoch: 1 },
  { ...attempt, step: 4 },
  { ...attempt, ordinal: 1 },
]
const voted: MemberState = { phase: 'voted', generation: 3, attempt }

test('T3 only a commit of the very attempt that was voted for flips the state', () => {
  assert.is(follow(voted, { kind: 'commit', attempt }).action.kind, 'flip')
  for (const other of stale) {
    const { state, action } = follow(voted, { kind: 'commit', attempt: other })
    assert.is(action.kind, 'ignore')
    assert.is(state, voted)
  }
})

test('T3 a result of another attempt is never used', () => {
  const reducing: MemberState = { phase: 'reducing', generation: 3, attempt }
  assert.is(follow(reducing, { kind: 'reduced', attempt }).action.kind, 'update')
  for (const other of stale) {
    assert.is(follow(reducing, { kind: 'reduced', attempt: other }).action.kind, 'ignore')
  }
})

test('an order of another generation, or in the wrong phase, is not computed', () => {
  const ready: MemberState = { phase: 'ready', generation: 3 }
  assert.is(follow(ready, { kind: 'begin', attempt }).action.kind, 'compute')
  assert.is(follow(ready, { kind: 'begin', attempt: stale[0] }).action.kind, 'ignore')
  for (const state of [outside, voted]) {
    assert.is(follow(state, { kind: 'begin', attempt }).action.kind, 'ignore')
  }
})

test('a member that left takes no decision any more', () => {
  const { state } = follow(voted, { kind: 'leave' })
  assert.is(state.phase, 'outside')
  assert.is(follow(state, { kind: 'commit', attempt }).action.kind, 'ignore')
})

test.run()
