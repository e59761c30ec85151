import { seededRandom } from '@kaitian/actors'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth } from '../depth.js'
import { bridges, groupsOf, smallTask, tryRun } from '../train/try-run.js'

const test = suite('chaos')

const seeds = depth({ cut: 4, full: 20 })

/** A sim engine computes from sample ids alone, so the model may be tiny. */
const task = { ...smallTask, epochs: 3 }

test(`T1 T2 T3 random kills of sim devices: the checker passes and no bit changes (${seeds} seeds)`, async () => {
  const bits = new Set<string>()
  const property = fc.asyncProperty(fc.integer(), async (seed) => {
    const random = seededRandom('chaos', seed)
    const counts = [1 + random.integer(3), 1 + random.integer(2)]
    const devices = counts[0] + counts[1]
    const kills = new Map<number, string>()
    for (let kill = 0; kill < random.integer(devices); kill++) {
      kills.set(1 + random.integer(18), `cpu:${random.integer(devices)}`)
    }
    const killed: Promise<void>[] = []
    const { summary, verdict } = await tryRun({
      options: {
        groups: groupsOf('sim', counts, () => ({ settings: { alphaMs: 1, betaMs: 0.05 } })),
        deterministic: true,
        seed: 1,
        evaluate: false,
        bridge: bridges[random.integer(bridges.length)],
      },
      task,
      surroundings: { placement: seed % 2 === 0 ? 'inline' : 'thread' },
      on: ({ name, payload }, runtime) => {
        const device = name === 'step' ? kills.get(payload.committed) : undefined
        if (device !== undefined) killed.push(runtime.kill(device))
      },
    })
    await Promise.all(killed)
    assert.ok(
      verdict.ok,
      JSON.stringify(verdict.checks.filter(({ failures }) => failures.length > 0)),
    )
    assert.is(summary.outcome, 'finished')
    for (const digest of Object.values(summary.digests)) bits.add(digest)
    assert.is(bits.size, 1)
  })
  await fc.assert(property, { seed: 77, numRuns: seeds, endOnFailure: true })
})

test.run()
