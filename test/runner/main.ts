import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { listTests, type TestFile } from './files.js'
import { runFile } from './run-file.js'

/**
 * Runs every test file in a process of its own: `npm test [part of a name …]`.
 * Files under system/ use all cores themselves, so they run one at a time.
 */
const root = fileURLToPath(new URL('../../', import.meta.url))
const files = listTests(root, process.argv.slice(2))
const shared = files.filter(({ name }) => !name.startsWith('system/'))
const alone = files.filter(({ name }) => name.startsWith('system/'))
const totals = { passed: 0, failed: 0 }

async function work(queue: TestFile[]): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const started = process.hrtime.bigint()
    const { passed, failed, reason, output } = await runFile(file)
    totals.passed += passed
    totals.failed += failed
    const seconds = (Number(process.hrtime.bigint() - started) / 1e9).toFixed(1)
    const mark = failed === 0 ? 'ok  ' : 'FAIL'
    console.log(`${mark} ${file.name}  ${passed} passed, ${failed} failed, ${seconds} s`)
    if (failed > 0) console.log(`${reason ?? 'tests failed'}\n${output}`)
  }
}

const workers = Math.max(1, Math.min(4, availableParallelism()))
await Promise.all(Array.from({ length: workers }, () => work(shared)))
await work(alone)
if (files.length === 0) {
  console.log('No test file matches.')
  totals.failed++
}
console.log(`${totals.passed} passed, ${totals.failed} failed`)
process.exitCode = totals.failed === 0 ? 0 : 1
