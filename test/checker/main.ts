import { parseArgs } from 'node:util'
import { check } from './check.js'
import { lineOf } from './verdict.js'

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
})

if (positionals.length !== 1) {
  console.error('usage: main.js <record folder> [--json]')
  process.exitCode = 1
} else {
  const verdict = await check(positionals[0])
  if (values.json) {
    console.log(JSON.stringify(verdict, null, 2))
  } else {
    for (const result of verdict.checks) console.log(lineOf(result))
    console.log(verdict.summary)
  }
  process.exitCode = verdict.ok ? 0 : 1
}
