import { availableParallelism, constants, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { depthOf } from '../depth.js'
import { hasDepths, listTests, type TestFile } from './files.js'
import { readOptions, USAGE, type Options } from './options.js'
import { readRecord, update, writeRecord } from './record.js'
import { Run } from './run.js'

/**
 * Runs test files, each in a process of its own: all of them, or at full depth those that are
 * others then. See CONTRIBUTING.md.
 */
const root = fileURLToPath(new URL('../../', import.meta.url))
const depthModule = fileURLToPath(new URL('../depth.js', import.meta.url))
const recordPath = fileURLToPath(new URL('../../.failed.json', import.meta.url))

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const depth = depthOf(process.env.KAITIAN_TEST_DEPTH)
  const options = understood(args)
  if (options === undefined) return end(0, 1)
  const all = listTests(root)
  const record = readRecord(recordPath)
  const candidates = depth === 'full' ? all.filter((file) => hasDepths(file, depthModule)) : all
  const files = choose(candidates, options, record[depth])
  if (files.length === 0) {
    const nothing = options.failed && options.filters.length === 0
    console.log(nothing ? 'Nothing failed the last time.' : whyNone(all, options))
    return end(0, nothing ? 0 : 1)
  }
  const cores = availableParallelism()
  let failed = record[depth]
  const run = new Run({
    now: () => performance.now(),
    print: (line) => console.log(line),
    noted(results) {
      failed = update(record[depth], results, all)
      writeRecord(recordPath, { ...record, [depth]: failed })
    },
    share: () => Math.min(1, cores / Math.max(cores, loadavg()[0])),
  })
  endWithUs(run)
  await run.all(files, Math.min(4, cores + 1))
  const totals = run.report()
  if (failed.length > 0) {
    const command = depth === 'full' ? 'npm run test:full' : 'npm test'
    console.log(`Failed: ${failed.join(', ')}\nAgain: ${command} -- --failed`)
  }
  const status = end(totals.passed, totals.failed)
  return run.interrupted === undefined ? status : 128 + constants.signals[run.interrupted]
}

/** A flag that is not known is refused, in words. */
function understood(args: readonly string[]): Options | undefined {
  try {
    return readOptions(args)
  } catch (error) {
    const [problem] = (error as Error).message.split('. ')
    console.log(`${problem}. Usage: ${USAGE}`)
    return undefined
  }
}

function choose(
  files: readonly TestFile[],
  { filters, failed }: Options,
  failedBefore: readonly string[],
): TestFile[] {
  return files
    .filter(({ name }) => filters.length === 0 || filters.some((part) => name.includes(part)))
    .filter(({ name }) => !failed || failedBefore.includes(name))
}

function whyNone(all: readonly TestFile[], options: Options): string {
  if (options.failed) return 'None of these failed the last time.'
  const known = choose(all, options, []).length > 0
  return known ? 'What matches has one depth only: npm test runs it.' : 'No test file matches.'
}

/** Whatever ends this process ends what it has started. */
function endWithUs(run: Run): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => run.interrupt(signal))
  }
  // Nobody reads what is printed any more.
  process.stdout.on('error', () => run.interrupt('SIGHUP'))
  process.on('exit', () => run.killAll('SIGKILL'))
}

/** The last line, and the exit code. */
function end(passed: number, failed: number): number {
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}
