import { createSystem } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { Scheduler } from '@kaitian/scheduler'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('scheduler actor')

const devices = [
  { name: 'sim:0', group: 'a' },
  { name: 'sim:1', group: 'b' },
]
const demand = { epoch: 0, size: 60, shardSize: 4, firstShard: 15, devices }

test('plans, learns from the reports told before the next plan, and forgets who left', async () => {
  await using system = createSystem()
  const scheduler = await system.spawn(Scheduler, {}, { name: 'scheduler', on: 'inline' })

  const first = await scheduler.ask.plan({ ...demand, step: 0 })
  assert.equal(first.quotas, { 'sim:0': 32, 'sim:1': 28 })
  assert.equal(first.shards, {
    'sim:0': { first: 15, count: 8 },
    'sim:1': { first: 23, count: 7 },
  })

  const times = [
    { device: 'sim:0', samples: 32, computeMs: 32 },
    { device: 'sim:1', samples: 28, computeMs: 112 },
  ]
  assert.is(scheduler.tell.observe({ step: 0, times }), 'queued')
  const second = await scheduler.ask.plan({ ...demand, step: 1 })
  assert.equal(second.quotas, { 'sim:0': 48, 'sim:1': 12 })
  assert.match(second.reason, /^first measurements: sim:0 32 → 48, sim:1 28 → 12 samples; /)
  assert.equal(second.previous, first.quotas)

  scheduler.tell.members({ devices: [devices[0]] })
  scheduler.tell.members({ devices })
  const third = await scheduler.ask.plan({ ...demand, step: 2 })
  assert.match(third.reason, /^sim:1 joined and is probed with 12 samples/)
})

test('a demand that cannot be met fails the ask, with the code', async () => {
  await using system = createSystem()
  const scheduler = await system.spawn(Scheduler, { policy: 'even' }, { name: 's', on: 'inline' })
  const capped = devices.map((device) => ({ ...device, cap: 8 }))
  try {
    await scheduler.ask.plan({ ...demand, step: 0, devices: capped })
    assert.unreachable('the caps hold 16 of 60 samples')
  } catch (error) {
    assert.ok(error instanceof KaitianError && error.code === 'BAD_CONFIG', String(error))
  }
})

test.run()
