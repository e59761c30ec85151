/**
 * How close the controller comes to an oracle in simulated clusters: time of
 * the run ÷ time of a split that knows each step's mean speeds, averaged over
 * seeds. A ratio below 1 is luck with the noise and counts as 1.
 *
 * Usage: node bench/dist/scheduler.js [seeds = 20] [shard size = 1]
 */
import { controllerPolicy, judge, ownWorlds, type World } from '@kaitian/scheduler'

interface Row {
  readonly mean: number
  readonly worst: number
  readonly moves: number
}

const policies = ['even', 'adaptive'] as const
const seeds = Number(process.argv[2] ?? 20)
const shardSize = Number(process.argv[3] ?? 1)

function row(world: World, policy: (typeof policies)[number]): Row {
  const verdicts = Array.from({ length: seeds }, (_, seed) =>
    judge(world, controllerPolicy({ policy }, shardSize), seed),
  )
  const ratios = verdicts.map(({ ratio }) => Math.max(1, ratio))
  return {
    mean: mean(ratios),
    worst: Math.max(...ratios),
    moves: mean(verdicts.map(({ moves }) => moves)),
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

const worlds = ownWorlds()
const table = worlds.map((world) => policies.map((policy) => row(world, policy)))
console.log(`time ÷ oracle, mean of ${seeds} seeds (worst seed), shards of ${shardSize}\n`)
console.log(`${'world'.padEnd(34)}${'even'.padEnd(18)}${'adaptive'.padEnd(18)}moves`)
worlds.forEach(({ name }, i) => {
  const cells = table[i].map((cell) => `${cell.mean.toFixed(4)} (${cell.worst.toFixed(3)})`)
  const moves = table[i][1].moves.toFixed(1)
  console.log(`${name.padEnd(34)}${cells.map((text) => text.padEnd(18)).join('')}${moves}`)
})
const totals = policies.map((_, p) => mean(table.map((rows) => rows[p].mean)).toFixed(4))
console.log(`${'mean'.padEnd(34)}${totals.map((total) => total.padEnd(18)).join('')}`)
