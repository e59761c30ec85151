import { openPool, type Pool } from '@kaitian/actors'
import type { KaitianError } from '@kaitian/errors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Gate } from './fixtures/shared-log.js'
import type { Job } from './fixtures/work.js'
import { rejection } from './support.js'
import { depth } from '../depth.js'

const module = new URL('./fixtures/work.js', import.meta.url)

const test = suite('pool')

function withPool(body: (pool: Pool<Job, number>) => Promise<void>, maxQueue = 8) {
  return async (): Promise<void> => {
    const pool = openPool<Job, number>({ module, threads: 1, maxQueue })
    try {
      await body(pool)
    } finally {
      await pool.dispose()
    }
  }
}

test(
  'tasks run, and what they throw keeps its code and fields',
  withPool(async (pool) => {
    assert.is(await pool.run({ do: 'square', n: 7 }), 49)
    const error = await rejection(pool.run({ do: 'fail' }), 'BAD_TASK')
    assert.equal(error.fields, { a: 1 })
  }),
)

test(
  'the queue is bounded, and a full one refuses by name',
  withPool(async (pool) => {
    const gate = new Gate()
    const held = pool.run({ do: 'hold', gate: gate.cells })
    await gate.arrived()
    const queued = [1, 2].map((n) => pool.run({ do: 'square', n }))
    await rejection(pool.run({ do: 'square', n: 3 }), 'MAILBOX_FULL')
    gate.open()
    assert.equal(await Promise.all([held, ...queued]), [0, 1, 4])
  }, 2),
)

test(
  'a signal cancels a task that runs, and the pool goes on',
  withPool(async (pool) => {
    const gate = new Gate()
    const abort = new AbortController()
    const held = rejection(
      pool.run({ do: 'hold', gate: gate.cells }, { signal: abort.signal }),
      'CANCELLED',
    )
    await gate.arrived()
    abort.abort()
    await held
    assert.is(await pool.run({ do: 'square', n: 3 }), 9)
  }),
)

test(
  'a thread that dies rejects its task, and the next one gets a new thread',
  withPool(async (pool) => {
    await rejection(pool.run({ do: 'exit' }), 'THREAD_EXITED')
    assert.is(await pool.run({ do: 'square', n: 3 }), 9)
  }),
)

test('dispose settles what has not ended and leaves no handle (A7)', async () => {
  const kinds = (): string[] =>
    process.getActiveResourcesInfo().filter((kind) => /Port|Worker|Timeout/.test(kind))
  const before = kinds()
  const pool = openPool<Job, number>({ module, threads: 1 })
  const gate = new Gate()
  const held = rejection(pool.run({ do: 'hold', gate: gate.cells }), 'SYSTEM_STOPPED')
  await gate.arrived()
  await pool.dispose()
  await held
  assert.equal(kinds(), before)
})

test('a module without a function, or that is missing, is named', async () => {
  for (const file of ['probe.js', 'missing.js']) {
    const bad = new URL(`./fixtures/${file}`, import.meta.url)
    const pool = openPool<Job, number>({ module: bad, threads: 1 })
    const run = pool.run({ do: 'fail' })
    assert.match(String(await run.catch((error: Error) => error.message)), file)
    await pool.dispose()
  }
})

test('bad options are refused', () => {
  assert.throws(() => openPool({ module, threads: 0 }), /threads is a whole number of at least 1/)
})

// The process did not live through one such end in some hundred.
const rounds = depth({ cut: 40, full: 600 })
test(`the process lives when a pool ends while its threads start, ${rounds} times`, async () => {
  const begun = performance.now()
  const first = openPool<Job, number>({ module, threads: 1 })
  await first.run({ do: 'square', n: 2 })
  await first.dispose()
  const started = performance.now() - begun
  for (let round = 0; round < rounds; round++) {
    const pool = openPool<Job, number>({ module, threads: 2 })
    const task = pool.run({ do: 'square', n: 2 }).catch((error: KaitianError) => error.code)
    // Moments all over the start, and beyond.
    await new Promise((resolve) => setTimeout(resolve, (started * ((round * 7) % 40)) / 30))
    await pool.dispose()
    assert.ok([4, 'SYSTEM_STOPPED'].includes(await task))
    if (round % 50 === 49) console.log(`  ${round + 1} rounds`)
  }
})

test.run()
