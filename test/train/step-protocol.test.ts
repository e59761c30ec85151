import { seededRandom } from '@kaitian/actors'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { coordinate, disagreement, idle } from '@kaitian/train/step'
import type { Plan, Vote } from '@kaitian/train/step'
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
  }
}

test.run()
