import { overSeeds, testSystem, type TestSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeScript } from './seeds/author.js'
import { play } from './seeds/play.js'
import type { Step } from './seeds/script.js'
import { simplify } from './seeds/simplify.js'
import { depth } from '../depth.js'

const test = suite('actors over seeds')

/** `KAITIAN_SEEDS=100000` tries more. */
const seeds = Number(process.env.KAITIAN_SEEDS ?? depth({ cut: 500, full: 10_000 }))
/** One seed of so many is played twice. */
const sample = 50

test(`A1–A8 hold for ${seeds} random trees of actors that fail at random`, async () => {
  await overSeeds<Step>({
    seeds,
    generate: writeScript,
    simplify,
    async run(system, steps) {
      const lines = await play(system, steps)
      if (system.seed % sample === 0) await checkSame(system, steps, lines)
      if (system.seed % 1000 === 0) console.log(`\n  ${system.seed} seeds`)
    },
  })
})

/** A8: the same seed and script, the same trace. */
async function checkSame(
  first: TestSystem,
  steps: readonly Step[],
  lines: readonly string[],
): Promise<void> {
  const again = testSystem({ seed: first.seed })
  assert.equal(await play(again, steps), lines, 'A8')
  assert.equal(again.trace, first.trace, 'A8')
}

test.run()
