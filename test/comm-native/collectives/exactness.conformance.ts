import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth, everyNth } from '../../depth.js'
import { describeCase, endsAlike, type Case } from './case.js'
import { onAll, within, type Cluster, type ClusterOptions, type Placement } from './cluster.js'
import { LARGE_SIZES, LARGER_SIZES, largeCases, narrowCases, smallCases } from './matrix.js'

/** Of the small cases, in a cut. No dimension of them has a multiple of so many values. */
const STEP = 101
/** Cases in one message: many enough to cost nothing, few enough to report soon. */
const BATCH = 500

/** C1, C2: every result has all the bits that it should have, on all ranks. */
export function exactnessConformance(placement: Placement): void {
  const test = suite(`collectives, results, ${placement.name}`)
  for (const groups of placement.shapes) {
    const shape = `groups of ${groups.join(' + ')}`
    const cases = everyNth(STEP, smallCases(groups))
    test(`C1, C2 ${cases.length} small cases, ${shape}`, () =>
      runCases(placement, { groups }, cases))
    if (groups.length === 1) continue
    const narrow = everyNth(STEP, narrowCases(groups))
    test(`C1, C2 ${narrow.length} cases of f32 with a wire of bf16, ${shape}`, () =>
      runCases(placement, { groups, wire: 'bf16' }, narrow))
  }
  const sizes = depth({ cut: LARGE_SIZES, full: LARGER_SIZES })
  const large = largeCases(sizes, placement.shapes)
  const most = sizes.at(-1)! / 1024
  test(`C1, C2 every two properties together up to ${most} KiB, in ${large.length} cases`, () =>
    runLarge(placement, large))
  test.run()
}

export async function runLarge(
  placement: Placement,
  large: ReturnType<typeof largeCases>,
): Promise<void> {
  for (const groups of placement.shapes) {
    const own = large.filter((one) => one.groups.join() === groups.join())
    const cases = own.map(({ given }) => given)
    // Shapes one after the other: each has the processors to itself.
    // oxlint-disable-next-line no-await-in-loop
    await runCases(placement, { groups }, cases)
  }
}

export async function runCases(
  placement: Placement,
  options: ClusterOptions,
  cases: readonly Case[],
): Promise<void> {
  await within(placement, options, async (cluster) => {
    for (let from = 0; from < cases.length; from += BATCH) {
      // oxlint-disable-next-line no-await-in-loop
      await runBatch(cluster, cases.slice(from, from + BATCH))
    }
  })
}

/** All ranks have what they should, and where all should have the same, they have. */
export async function runBatch(cluster: Cluster, cases: readonly Case[]): Promise<void> {
  const commands = cases.map((given) => ({ do: 'run', given }) as const)
  const byRank = await onAll(cluster, commands)
  cases.forEach((given, index) => {
    byRank.forEach((reports, rank) => {
      const { wrong, failed, digest } = reports[index]
      const where = `${describeCase(given)}, rank ${rank} of ${cluster.groups.join(' + ')}`
      assert.is(failed, undefined, `${where}: ${failed?.code} ${failed?.message}`)
      assert.is(wrong, undefined, `${where}: ${JSON.stringify(wrong)}`)
      if (!endsAlike(given)) return
      assert.is(digest, byRank[0][index].digest, `${where}: other bits than rank 0`)
    })
  })
}
