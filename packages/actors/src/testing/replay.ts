import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What tells which runner runs this program, and how it was started. */
export interface Surroundings {
  readonly argv: readonly string[]
  readonly execArgv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Where `overSeeds` was called. */
  readonly stack: string
  /** What a runner keeps about the test that runs, where it is known how. */
  readonly running: RunningTest
}

interface RunningTest {
  readonly file?: string | undefined
  /** With the names of its suites, as the runner's filter takes it. */
  readonly name?: string | undefined
}

/** Frames of a stack: the test file is the outermost of the user's. */
const deepest = 100

/** As they are now; called before the first `await`, behind which a stack ends. */
export function surroundings(): Surroundings {
  const { argv, execArgv, env } = process
  return { argv, execArgv, env, cwd: process.cwd(), stack: stackHere(), running: runningTest() }
}

/** The command that tries one seed again, in the terms of the runner that the user has. */
export function replayCommand(seed: number, around: Surroundings): string {
  return [`KAITIAN_SEED=${seed}`, ...commandOf(around).map(quoted)].join(' ')
}

function commandOf(around: Surroundings): string[] {
  const { argv, execArgv, env, running } = around
  const [, program, ...args] = argv
  const runner = packageOf(program)
  const started = runner === undefined ? program : undefined
  const named = running.file ?? testFileIn(around.stack)
  const name = running.name === undefined ? [] : ['-t', escaped(running.name)]
  // Their workers are started by them, and cannot be started by hand.
  if (env.VITEST !== undefined) return ['npx', 'vitest', 'run', within(around, named), ...name]
  if (env.JEST_WORKER_ID !== undefined) return ['npx', 'jest', within(around, named), ...name]
  const node = ['node', ...optionsIn(execArgv)]
  if (env.NODE_TEST_CONTEXT !== undefined || execArgv.includes('--test')) {
    return [...node, '--test', within(around, started ?? named)]
  }
  if (started !== undefined) return [...node, within(around, started), ...args]
  // A file for uvu's command is a program of its own.
  if (runner === undefined || runner === 'uvu') return [...node, within(around, named)]
  return ['npx', runner, ...args]
}

/** Those that a test may need to be loaded: not what is about debugging, coverage or the run as a whole. */
function optionsIn(execArgv: readonly string[]): string[] {
  return execArgv.filter((option) => !/^--(inspect|test|cpu-prof|heap-prof|watch)/.test(option))
}

/** The package in `node_modules` that a program belongs to: then it is a runner's, and no test. */
function packageOf(program: string | undefined): string | undefined {
  const [, name] =
    /.*[\\/]node_modules[\\/](?:\.bin[\\/])?((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(program ?? '') ?? []
  return name
}

function within({ cwd }: Surroundings, file: string | undefined): string {
  return file === undefined ? '<the test file>' : relative(cwd, file)
}

const own = new URL('.', import.meta.url).href

/** The outermost file that is neither of this kit nor of a package. */
function testFileIn(stack: string): string | undefined {
  const files = [...stack.matchAll(/^ *at (?:.*\()?(?:async )?(.+?):\d+:\d+\)?$/gm)]
    .map(([, file]) => file)
    .filter((file) => !file.startsWith(own) && !/^node:|[\\/]node_modules[\\/]/.test(file))
  const last = files.at(-1)
  if (last === undefined) return undefined
  return last.startsWith('file:') ? fileURLToPath(last) : last.split('/').join(sep)
}

function stackHere(): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = deepest
  const { stack = '' } = new Error()
  Error.stackTraceLimit = stackTraceLimit
  return stack
}

interface VitestTask {
  readonly name: string
  readonly suite?: VitestTask
}

/** vitest and jest: their globals are not promised, and may be others one day. */
function runningTest(): RunningTest {
  const { __vitest_worker__: vitest, expect: jest } = globalThis as {
    __vitest_worker__?: { filepath?: string; current?: VitestTask }
    expect?: { getState?: () => { testPath?: string; currentTestName?: string } }
  }
  try {
    if (vitest !== undefined) return { file: vitest.filepath, name: fullName(vitest.current) }
    const { testPath, currentTestName } = jest?.getState?.() ?? {}
    return { file: testPath, name: currentTestName }
  } catch {
    return {}
  }
}

function fullName(task: VitestTask | undefined): string | undefined {
  const names: string[] = []
  for (let at = task; at !== undefined; at = at.suite) names.unshift(at.name)
  return names.length === 0 ? undefined : names.join(' ')
}

/** For a filter that is a regular expression. */
function escaped(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function quoted(word: string): string {
  return /^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
