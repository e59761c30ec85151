// Compiles the native core with its plain C++ tests, once for each sanitizer,
// and runs them: ranks are std::threads, no JavaScript engine in between.
//
//   node test-core.js [thread] [address]     both by default
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { findCompiler } from './toolchain.js'

const native = fileURLToPath(new URL('../native', import.meta.url))
const tests = fileURLToPath(new URL('../../../test/native', import.meta.url))

const SANITIZERS = {
  thread: ['-fsanitize=thread'],
  address: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
}

const FLAGS = ['-std=c++20', '-O1', '-g', '-ffp-contract=off', '-fno-trapping-math', '-pthread']

function sources() {
  const under = (folder) =>
    readdirSync(folder, { recursive: true })
      .filter((name) => name.endsWith('.cc'))
      .map((name) => join(folder, name))
  return [...under(join(native, 'core')), ...under(tests)]
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

async function compile(compiler, flags, into) {
  const units = sources()
  const objects = units.map((_, index) => join(into, `${index}.o`))
  const [program, ...first] = compiler.split(/\s+/)
  const common = [...first, ...FLAGS, ...flags, '-I', native]
  // Two at a time; the sanitizers' builds run beside each other already.
  const queue = units.map((unit, index) => [...common, '-c', unit, '-o', objects[index]])
  const worker = async () => {
    for (let args = queue.shift(); args !== undefined; args = queue.shift()) {
      const { status, output } = await run(program, args)
      if (status !== 0) throw new Error(output)
    }
  }
  await Promise.all([worker(), worker()])
  const binary = join(into, 'core-tests')
  const linked = await run(program, [...common, ...objects, '-o', binary])
  if (linked.status !== 0) throw new Error(linked.output)
  return binary
}

/** @returns {Promise<{ passed: boolean, output: string }>} */
export async function testCore(sanitizer) {
  const compiler = findCompiler()
  if (compiler === undefined) throw new Error('no C++ compiler found')
  const folder = mkdtempSync(join(tmpdir(), 'kaitian-core-'))
  try {
    const binary = await compile(compiler.command, SANITIZERS[sanitizer], folder)
    const { status, output } = await run(binary, [])
    return { passed: status === 0 && /^passed [1-9]/m.test(output), output }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
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
