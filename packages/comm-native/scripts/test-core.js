// Compiles the native core with its plain C++ tests, once for each sanitizer,
// and runs them: ranks are std::threads, no JavaScript engine in between.
//
//   node test-core.js [thread] [address]     both by default
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { findCompiler } from './toolchain.js'

const native = fileURLToPath(new URL('../native', import.meta.url))
const tests = fileURLToPath(new URL('../../../test/native', import.meta.url))

const SANITIZERS = {
  thread: ['-fsanitize=thread'],
  address: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
}

const FLAGS = ['-std=c++20', '-g1', '-ffp-contract=off', '-fno-trapping-math', '-pthread']

const folders = [join(native, 'core'), tests]

function files(pattern) {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((name) => pattern.test(name))
      .map((name) => join(folder, name)),
  )
}

/** Names a build: a binary is used again while nothing that went into it has changed. */
function buildHash(compiler, flags) {
  const hash = createHash('sha256').update(JSON.stringify([compiler, FLAGS, flags]))
  const names = files(/\.(cc|h)$/)
  names.sort((one, other) => (one < other ? -1 : 1))
  for (const name of names) hash.update(`\n${name}\n`).update(readFileSync(name))
  return hash.digest('hex').slice(0, 16)
}

/** Runs a program; its output and status. */
function run(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (data) => (output += data))
    child.stderr.on('data', (data) => (output += data))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, output }))
  })
}

/** Compiles all units, two at a time, and links them. */
async function compile(command, flags, into) {
  const units = files(/\.cc$/)
  const objects = units.map((_, index) => join(into, `${index}.o`))
  const [program, ...first] = command.split(/\s+/)
  const common = [...first, ...FLAGS, ...flags, '-I', native]
  const checked = async (args) => {
    const { status, output } = await run(program, [...common, ...args])
    if (status !== 0) throw new Error(output)
  }
  // The tests' own code is not optimised: that would be most of the time it takes to compile.
  const optimise = (unit) => (unit.startsWith(tests) ? '-O0' : '-O1')
  const queue = units.map((unit, index) => [optimise(unit), '-c', unit, '-o', objects[index]])
  const worker = async () => {
    for (let args = queue.shift(); args !== undefined; args = queue.shift()) await checked(args)
  }
  await Promise.all([worker(), worker()])
  await checked([...objects, '-o', join(into, 'core-tests')])
}

async function build(sanitizer) {
  const { command, version } = findCompiler()
  const flags = SANITIZERS[sanitizer]
  const parent = join(native, 'build', 'core-tests')
  const folder = join(parent, `${sanitizer}-${buildHash(version, flags)}`)
  const binary = join(folder, 'core-tests')
  if (existsSync(binary)) return binary
  mkdirSync(parent, { recursive: true })
  for (const name of readdirSync(parent)) {
    if (name.startsWith(`${sanitizer}-`)) rmSync(join(parent, name), { recursive: true })
  }
  // Renamed when complete, so that an interrupted build is not taken for one.
  const unfinished = join(parent, `${sanitizer}-unfinished`)
  mkdirSync(unfinished)
  await compile(command, flags, unfinished)
  renameSync(unfinished, folder)
  return binary
}

/** @returns {Promise<{ passed: boolean, output: string }>} */
export async function testCore(sanitizer) {
  const { status, output } = await run(await build(sanitizer), [])
  return { passed: status === 0 && /^passed [1-9]/m.test(output), output }
}

async function main() {
  const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SANITIZERS)
  for (const sanitizer of wanted) {
    const { passed, output } = await testCore(sanitizer)
    console.log(`${sanitizer} sanitizer: ${passed ? 'passed' : 'FAILED'}\n${output}`)
    if (!passed) process.exitCode = 1
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
