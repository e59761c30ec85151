import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { depth } from '../depth.js'

// The native core with its plain C++ tests, as one program for each sanitizer: ranks are
// std::threads, with no JavaScript engine in between.

interface Toolchain {
  findCompiler(this: void): { command: string; version: string } | undefined
}

const toolchain = '../../../packages/comm-native/scripts/toolchain.js'
export const { findCompiler } = (await import(toolchain)) as Toolchain

const native = fileURLToPath(new URL('../../../packages/comm-native/native', import.meta.url))
const core = join(native, 'core')
const tests = fileURLToPath(new URL('../../native', import.meta.url))

const SANITIZERS = {
  thread: ['-fsanitize=thread'],
  address: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
}
/** Of the core but for its kernels: what is saved by running faster, or lost by compiling longer. */
const OPTIMISE = { thread: '-O1', address: '-O0' }
export type Sanitizer = keyof typeof SANITIZERS

const FLAGS = ['-std=c++20', '-g1', '-ffp-contract=off', '-fno-trapping-math', '-pthread']

/** Of the core, those that use names of their own twice, or the same ones in other ways. */
const APART = /^(collective|kernels)\/|^(span\/span|wire\/frame|wire\/slots)\.cc$/

/**
 * What is built where not all is: with the address sanitizer a cut has what reads bytes from the
 * network. The races of everything else are looked for in a cut, too; its memory is not.
 */
const CUT = {
  thread: { core: /./, tests: /./ },
  address: { core: /^(wire\/|bell|signature|kernels\/crc32c)/, tests: /^(wire\/|main|crc32c)/ },
}

/** What is compiled in one go. */
interface Unit {
  readonly name: string
  readonly sources: readonly string[]
  readonly optimise: string
}

/**
 * Each source alone would take three times as long: most of it goes into headers and templates that
 * all of them use. Neither the tests nor the kernels, which are all templates, are optimised.
 */
function units(sanitizer: Sanitizer): Unit[] {
  const optimise = OPTIMISE[sanitizer]
  const wanted = depth({ cut: CUT[sanitizer], full: CUT.thread })
  const ofCore = matching(core, wanted.core)
  const apart = ofCore.filter((path) => APART.test(relative(core, path)))
  const together = ofCore.filter((path) => !apart.includes(path))
  return [
    { name: 'tests', sources: matching(tests, wanted.tests), optimise: '-O0' },
    { name: 'core', sources: together, optimise },
    ...apart.map((path): Unit => {
      const name = relative(core, path).replaceAll('/', '-')
      return { name, sources: [path], optimise: name.startsWith('kernels') ? '-O0' : optimise }
    }),
  ]
}

function matching(folder: string, wanted: RegExp): string[] {
  return files(folder, /\.cc$/).filter((path) => wanted.test(relative(folder, path)))
}

function files(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .toSorted()
    .map((name) => join(folder, name))
}

/** The program; built unless it is there, and nothing that went into it has changed. */
export async function buildCore(
  sanitizer: Sanitizer,
  tell: (progress: string) => void,
): Promise<string> {
  const compiler = findCompiler()
  if (compiler === undefined) throw new Error('no C++ compiler found')
  const flags = [...FLAGS, ...SANITIZERS[sanitizer]]
  const all = units(sanitizer)
  const parent = join(native, 'build', 'core-tests')
  const folder = join(parent, `${sanitizer}-${hashOf([compiler.version, flags, all])}`)
  const program = join(folder, 'core-tests')
  if (existsSync(program)) return program
  mkdirSync(parent, { recursive: true })
  for (const name of readdirSync(parent)) {
    if (name.startsWith(`${sanitizer}-`)) rmSync(join(parent, name), { recursive: true })
  }
  // Renamed when complete, so that an interrupted build is not taken for one.
  const unfinished = join(parent, `${sanitizer}-unfinished`)
  mkdirSync(unfinished)
  await compile(all, [compiler.command, ...flags].join(' '), unfinished, tell)
  renameSync(unfinished, folder)
  return program
}

function hashOf(how: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(how))
  for (const name of [core, tests].flatMap((folder) => files(folder, /\.(cc|h)$/))) {
    hash.update(`\n${name}\n`).update(readFileSync(name))
  }
  return hash.digest('hex').slice(0, 16)
}

/** Two units at a time, the large ones first. */
async function compile(
  all: readonly Unit[],
  command: string,
  into: string,
  tell: (progress: string) => void,
): Promise<void> {
  const [program, ...flags] = command.split(/\s+/)
  const checked = async (args: readonly string[]): Promise<void> => {
    const ran = await run(program, [...flags, '-I', native, ...args])
    if (ran.status !== 0) throw new Error(ran.output)
  }
  const objects: string[] = []
  let done = 0
  const one = async ({ name, sources, optimise }: Unit): Promise<void> => {
    const object = join(into, `${name}.o`)
    await checked([optimise, '-c', unitOf(name, sources, into), '-o', object])
    objects.push(object)
  }
  const eachAlone = async (unit: Unit): Promise<void> => {
    for (const [index, source] of unit.sources.entries()) {
      // oxlint-disable-next-line no-await-in-loop
      await one({ ...unit, name: `${unit.name}-${index}`, sources: [source] })
    }
  }
  const queue = [...all]
  const worker = async (): Promise<void> => {
    for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) {
      const { name } = unit
      try {
        // oxlint-disable-next-line no-await-in-loop
        await one(unit)
      } catch (error) {
        if (name !== 'core') throw error
        // Perhaps two of them have a name in common, which is no fault.
        tell(`the core's sources do not compile together, so each is compiled alone`)
        // oxlint-disable-next-line no-await-in-loop
        await eachAlone(unit)
      }
      tell(`${++done} of ${all.length} compiled: ${name}`)
    }
  }
  await Promise.all([worker(), worker()])
  await checked([...objects, '-o', join(into, 'core-tests')])
}

/** A source that stands for several; those of tests get a namespace each, as they share names. */
function unitOf(name: string, sources: readonly string[], into: string): string {
  if (sources.length === 1) return sources[0]
  const include = (path: string): string => `#include ${JSON.stringify(path)}`
  const path = join(into, `${name}.cc`)
  const lines =
    name === 'tests'
      ? [
          // All headers come first, outside of any namespace; they are not read again.
          ...new Set(sources.flatMap(headersIn)),
          ...sources.map((source, index) =>
            source.endsWith('main.cc')
              ? include(source)
              : `namespace file${index} {\n${include(source)}\n}`,
          ),
        ]
      : sources.map(include)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

function headersIn(source: string): string[] {
  const found = readFileSync(source, 'utf8').matchAll(/^#include (?:<(.*)>|"(.*)")$/gm)
  return [...found].map(([line, , own]) => {
    if (own === undefined) return line
    const beside = join(source, '..', own)
    return `#include "${existsSync(beside) ? beside : own}"`
  })
}

/** Runs a program to its end; `hear` is told of its output as it comes. */
export function run(
  program: string,
  args: readonly string[],
  hear: (text: string) => void = () => {},
): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const read = (text: string): void => {
      output += text
      hear(text)
    }
    child.stdout.setEncoding('utf8').on('data', read)
    child.stderr.setEncoding('utf8').on('data', read)
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, output }))
  })
}
