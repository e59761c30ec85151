/**
 * `@kaitian/actors` beside other actor runtimes, other ways to use worker threads, and the least
 * that could do the job by hand, in one run.
 *
 *   node bench/dist/actors.js [--rounds 7] [--only tell,ask] [--json]
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { asks } from './actors/ask.js'
import { churn } from './actors/churn.js'
import { play } from './actors/contest.js'
import { coldAsks, pipelinedAsks } from './actors/cross-ask.js'
import { memory } from './actors/memory.js'
import { oneWay } from './actors/one-way.js'
import { print, toJson } from './actors/report.js'
import { forkJoin, pingPong, threadRing } from './actors/savina.js'
import { tells } from './actors/tell.js'

const measurements = [
  tells,
  asks,
  coldAsks,
  pipelinedAsks,
  oneWay,
  pingPong,
  threadRing,
  forkJoin,
  memory,
  churn,
]

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    only: { type: 'string' },
    json: { type: 'boolean' },
  },
})
const rounds = Math.max(5, Number(options.rounds))
const names = [...new Set(measurements.map(({ name }) => name))]
const chosen = options.only?.split(',') ?? names
const unknown = chosen.filter((name) => !names.includes(name))
if (unknown.length > 0 || Number.isNaN(rounds)) {
  console.error(`--only takes some of ${names.join(',')}; --rounds a number.`)
  process.exit(2)
}

const about = {
  node: process.version,
  cpu: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`,
  date: new Date().toISOString().slice(0, 10),
}
if (!options.json) {
  console.log(`Node ${about.node}, ${about.cpu}, ${about.date}`)
}
const outcomes = []
for (const measurement of measurements) {
  if (!chosen.includes(measurement.name)) continue
  const outcome = await play(measurement, rounds)
  if (options.json) outcomes.push(toJson(outcome))
  else print(outcome)
}
if (options.json) console.log(JSON.stringify({ bench: 'actors', ...about, outcomes }, null, 2))
// comedy's threads outlive their system (2.1.7) and would keep this process.
process.stdout.write('', () => process.exit())
