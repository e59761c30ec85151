import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { formatTable, KaitianError, writeReport } from 'kaitian'
import { compareTimes, describeOutcome, sameDigest } from './comparison.js'
import { GROUPS } from './parameters.js'
import { runAlone, runDisturbed, runEven } from './runs.js'
import { judge } from './verdict.js'

const INTRODUCTION = `Kaitian trains one model on two kinds of accelerator at once.
One host has no two vendors, so here they are simulated: four engines on this CPU compute real
gradients, and a profile shapes their pace (groups sim-gpu and sim-mlu, the second half as fast).
First both groups train together; on the way one device becomes slower and one is killed. Then
the same devices run with an even split, and the faster group alone, for comparison.`

const { values } = parseArgs({
  options: {
    checker: { type: 'string' },
    record: { type: 'string', default: 'runs/demo' },
    report: { type: 'string', default: 'kaitian-report.html' },
  },
})

/** Whether everything that must hold does. */
async function demo(): Promise<boolean> {
  console.log(INTRODUCTION)
  rmSync(values.record, { recursive: true, force: true })
  const disturbed = await runDisturbed(values.record)
  const others = [await runEven(), await runAlone(GROUPS[0])]

  console.log('\n== independent checker')
  const verdict =
    values.checker === undefined ? undefined : await judge(values.checker, values.record)
  const tables = [compareTimes(disturbed, others), describeOutcome(disturbed, verdict)]
  for (const table of tables) {
    console.log(`\n${table.title}\n${formatTable(table)}`)
    if (table.note !== undefined) console.log(table.note)
  }
  await writeReport(values.report, { title: 'Kaitian demo', runs: [disturbed, ...others], tables })
  console.log(`\nreport: ${resolve(values.report)}`)

  return sameDigest(disturbed.summary.digests) && verdict?.passed !== false
}

try {
  process.exitCode = (await demo()) ? 0 : 1
} catch (error) {
  if (!(error instanceof KaitianError)) throw error
  console.error(`kaitian: ${error.code}: ${error.message}`)
  process.exitCode = 1
}
