// All that collectives.test.ts tries, and what is too large for it: `npm run test:matrix`.
import type { Case } from '../collectives/case.js'
import type { Placement } from '../collectives/cluster.js'
import { runCases, runLarge } from '../collectives/exactness.conformance.js'
import * as matrix from '../collectives/matrix.js'
import { tcp } from '../collectives/tcp.js'
import { threads } from '../collectives/threads.js'

const PLACEMENTS: readonly Placement[] = [threads, tcp]

/** Beyond what 31 bits count: in bytes, and so that the last block begins beyond them. */
const HUGE: Case = {
  call: 'allreduce',
  op: 'sum',
  dtype: 'f32',
  elements: 2 ** 29 + 16_391,
  inPlace: true,
  root: 0,
  pattern: 'whole',
  seed: 1,
  memory: 'shared',
}
/** Two ranks' vectors, and room for what is worked out beside them. */
const HUGE_NEEDS = 2 * 4 * HUGE.elements + 2 ** 29

async function small(placement: Placement): Promise<number> {
  let cases = 0
  for (const groups of placement.shapes) {
    const [full, narrow] = [matrix.smallCases(groups), matrix.narrowCases(groups)]
    // Shapes one after the other: each has the processors to itself.
    // oxlint-disable no-await-in-loop
    await runCases(placement, { groups }, full)
    await runCases(placement, { groups, wire: 'bf16' }, narrow)
    // oxlint-enable no-await-in-loop
    cases += full.length + narrow.length
  }
  return cases
}

async function huge(placement: Placement): Promise<number> {
  if (process.availableMemory() < HUGE_NEEDS) {
    const gib = (HUGE_NEEDS / 2 ** 30).toFixed(1)
    console.log(`${placement.name}: skipped allreduce of more than 2 GiB, which needs ${gib} GiB`)
    return 0
  }
  // Two ranks, however they are divided.
  await runCases(placement, { groups: placement.shapes[0], deadlineMs: 600_000 }, [HUGE])
  return 1
}

async function all(placement: Placement): Promise<void> {
  const large = matrix.largeCases(matrix.LARGEST_SIZES, placement.shapes)
  const parts = {
    'everything up to 64 KiB': () => small(placement),
    'pairs up to 64 MiB': async () => {
      await runLarge(placement, large)
      return large.length
    },
    'more than 2 GiB': () => huge(placement),
  }
  const began = performance.now()
  let total = 0
  const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1)
  for (const [name, run] of Object.entries(parts)) {
    const started = performance.now()
    // oxlint-disable-next-line no-await-in-loop
    const cases = await run()
    console.log(`${placement.name}: ${name}: ${cases} cases, ${seconds(started)} s`)
    total += cases
  }
  console.log(`${placement.name}: ${total} cases passed, ${seconds(began)} s`)
}

for (const placement of PLACEMENTS) {
  // oxlint-disable-next-line no-await-in-loop
  await all(placement)
}
