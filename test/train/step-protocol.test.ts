import { seededRandom } from '@kaitian/actors'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ErrorCode } from '@kaitian/errors'
import {
  coordinate,
  disagreement,
  idle,
  type CoordinatorEvent,
  type CoordinatorState,
  type Plan,
  type Transition,
  type Vote,
} from '@kaitian/train/step'
import { SimCluster } from './step-cluster.js'

const test = suite('step protocol')

const dealing = { samples: 44, batch: 16, shard: 4 }

test('T1 T3 each step is committed once and by all, whoever dies when (2,000 seeds)', () => {
  const property = fc.property(fc.integer(), fc.integer({ min: 1, max: 5 }), (seed, devices) => {
    const cluster = new SimCluster(seededRandom('steps', seed), devices, dealing, 7)
    cluster.run(devices - 1)
    assert.is(cluster.ended?.outcome, 'stopped', cluster.trace.join('\n'))
    assert.equal(cluster.commits, ['0/0', '0/1', '0/2', '1/0', '1/1', '1/2', '2/0'])
    for (const { flips, alive, name } of cluster.devices.values()) {
      const prefix = cluster.commits.slice(0, flips.length)
      assert.equal(flips, prefix, `${name} flipped to what was not committed`)
      if (alive) assert.ok(flips.length >= cluster.commits.length - 1)
    }
  })
  fc.assert(property, { seed: 20_260, numRuns: 2_000 })
})

test('a run without any device ends with NO_DEVICES_LEFT', () => {
  const started = coordinate(idle, { kind: 'start', members: ['sim:0'] }, 0)
  const { state, effects } = coordinate(
    started.state,
    { kind: 'down', device: 'sim:0', cause: 'killed' },
    1,
  )
  assert.is(state.phase, 'ended')
  const end = effects.find(({ kind }) => kind === 'end')
  assert.is(end?.kind === 'end' && end.code, 'NO_DEVICES_LEFT')
})

test('whoever has not voted by the deadline is given up, by name', () => {
  const plan = planFor(['sim:0', 'sim:1'])
  let { state } = coordinate(idle, { kind: 'start', members: ['sim:0', 'sim:1'] }, 0)
  state = coordinate(state, { kind: 'formed', generation: 1 }, 0).state
  state = coordinate(state, { kind: 'request' }, 0).state
  state = coordinate(state, { kind: 'planned', plan, deadlineMs: 50 }, 10).state
  state = coordinate(state, { kind: 'vote', vote: voteFor(plan, 'sim:1') }, 20).state
  assert.equal(coordinate(state, { kind: 'tick' }, 59).effects, [])
  const { effects } = coordinate(state, { kind: 'tick' }, 60)
  assert.equal(
    effects.map(({ kind }) => kind),
    ['abort', 'evict', 'form'],
  )
  const evict = effects[1]
  assert.equal(evict.kind === 'evict' && evict.devices, ['sim:0'])
})

test('nobody is given up at the deadline when nobody has voted: it is none of them', () => {
  const members = ['sim:0', 'sim:1']
  const stepping = begun(members)
  const { state, effects } = coordinate(stepping, { kind: 'tick' }, 60)
  assert.equal(
    effects.map(({ kind }) => kind),
    ['abort', 'form'],
  )
  assert.equal(state.phase === 'forming' && state.membership.members, members)
})

test('what a device met itself is what the run ends with', () => {
  const alone = coordinate(begun(['sim:0']), fault('sim:0', 'OUT_OF_MEMORY'), 20)
  assert.equal(endOf(alone), [
    'OUT_OF_MEMORY',
    'sim:0 failed, and no device is left: sim:0 says so',
  ])
  // The others may notice first that it is missing.
  const missed = { kind: 'failed', generation: 1, cause: 'x', suspects: ['sim:0'] } as const
  const late = play(begun(['sim:0', 'sim:1']), [missed, fault('sim:0', 'OUT_OF_MEMORY')])
  assert.is(late.state.phase, 'forming')
  const both = coordinate(late.state, fault('sim:1', 'OUT_OF_MEMORY'), 30)
  assert.equal(endOf(both), ['OUT_OF_MEMORY', 'sim:0 and sim:1 failed alike: sim:0 says so'])
})

test('devices that fail for different reasons, or in different steps, do not end a run', () => {
  const members = ['sim:0', 'sim:1', 'sim:2']
  const different = play(begun(members), [
    fault('sim:0', 'OUT_OF_MEMORY'),
    fault('sim:0', 'OUT_OF_MEMORY'),
    fault('sim:1', 'ENGINE_FAILED'),
  ])
  assert.equal(different.state.phase === 'forming' && different.state.membership.members, ['sim:2'])
  const first = play(begun(members), [fault('sim:0', 'ENGINE_FAILED')]).state
  const rest = members.slice(1)
  const plan = { ...planFor(rest), generation: 2 }
  const later = play(first, [
    { kind: 'formed', generation: 2 },
    { kind: 'planned', plan, deadlineMs: 50 },
    ...rest.map((name) => ({ kind: 'vote', vote: voteFor(plan, name) }) as const),
    fault('sim:1', 'ENGINE_FAILED'),
  ])
  assert.equal(later.state.phase === 'forming' && later.state.membership.members, ['sim:2'])
})

test('T3 votes that miss a shard, double one, miscount or disagree never commit', () => {
  const plan = planFor(['sim:0', 'sim:1'])
  const votes = [voteFor(plan, 'sim:0'), voteFor(plan, 'sim:1')]
  assert.is(disagreement(plan, votes), undefined)
  const spoilt = (change: Partial<Vote>) =>
    disagreement(plan, [votes[0], { ...votes[1], ...change }])
  assert.is(spoilt({ shards: [2] })?.code, 'LEDGER_VIOLATION')
  assert.is(spoilt({ shards: [1, 2] })?.code, 'LEDGER_VIOLATION')
  assert.is(spoilt({ count: 7 })?.code, 'LEDGER_VIOLATION')
  assert.is(spoilt({ reducedCount: 15 })?.code, 'LEDGER_VIOLATION')
  assert.is(spoilt({ digest: 'other' })?.code, 'DIGEST_MISMATCH')
})

test('a generation that fails again and again without losing a member ends the run', () => {
  let { state } = coordinate(idle, { kind: 'start', members: ['sim:0'] }, 0)
  for (let generation = 1; generation <= 6; generation++) {
    assert.is(state.phase, 'forming')
    state = coordinate(state, { kind: 'failed', generation, cause: 'x', suspects: [] }, 0).state
  }
  assert.is(state.phase, 'ended')
})

function play(state: CoordinatorState, events: readonly CoordinatorEvent[]): Transition {
  let last: Transition = { state, effects: [] }
  for (const event of events) last = coordinate(last.state, event, 15)
  return last
}

/** The first step of these devices is under way, and due at 60. */
function begun(members: readonly string[]): CoordinatorState {
  return play(idle, [
    { kind: 'start', members },
    { kind: 'formed', generation: 1 },
    { kind: 'request' },
    { kind: 'planned', plan: planFor(members), deadlineMs: 45 },
  ]).state
}

function fault(device: string, code: ErrorCode): CoordinatorEvent {
  const message = `${device} says so`
  return { kind: 'down', device, cause: message, fault: { device, code, message } }
}

function endOf({ effects }: Transition): [ErrorCode | undefined, string] | undefined {
  const end = effects.find(({ kind }) => kind === 'end')
  return end?.kind === 'end' ? [end.code, end.cause] : undefined
}

function planFor([a, b]: readonly string[]): Plan {
  return {
    generation: 1,
    ordinal: 0,
    epoch: 0,
    step: 0,
    size: 16,
    firstShard: 0,
    shardCount: 4,
    shares: {
      [a]: {
        quota: 8,
        first: 0,
        count: 2,
      },
      [b]: {
        quota: 8,
        first: 2,
        count: 2,
      },
    },
    learningRate: 0.1,
    reason: 'even split',
    moved: false,
  }
}

function voteFor(plan: Plan, device: string): Vote {
  const { first, count, quota } = plan.shares[device]
  return {
    generation: plan.generation,
    epoch: plan.epoch,
    step: plan.step,
    ordinal: plan.ordinal,
    device,
    shards: Array.from({ length: count }, (_, index) => first + index),
    count: quota,
    idSum: 0,
    reducedCount: plan.size,
    digest: 'd',
    lossSums: [1],
    correct: 1,
    finite: true,
    computeMs: 1,
    ownComputeMs: 1,
    reduceMs: 1,
    updateMs: 1,
  }
}

test.run()
