import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth } from '../depth.js'
import { machineWith, type Machine } from './npm.js'
import { nodes, packages, prebuilds } from './scripts.js'

// The packed packages, installed by npm. This takes the registry and compiles the native core, so
// `npm test` only holds the page to the versions, and `npm run test:full` tries the Node.js that
// runs it. `npm run test:installed` tries every supported one.

const test = suite('packages installed by npm')
const major = process.versions.node.split('.')[0]
const own = nodes.NODES.find((version) => version.startsWith(`${major}.`)) ?? nodes.NODES[0]
const versions = process.env.KAITIAN_NODES === 'all' ? nodes.NODES : [own]
const page = readFileSync(new URL('../../../docs/installing.md', import.meta.url), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'kaitian-tarballs-'))
let tarballs: string[] = []

test.after(() => rmSync(folder, { recursive: true }))

test('the page names the versions of Node.js that a native core comes for', () => {
  const majors = nodes.NODES.map((version) => version.split('.')[0])
  assert.is(majors.length, 3)
  assert.ok(page.includes(`for Node.js ${majors[0]}, ${majors[1]} and ${majors[2]}`))
})

const groups = ['--group', 'a=tfjs@cpu', '--group', 'b=tfjs@cpu']
const training = ['kaitian', 'train', 'node_modules/kaitian/example', '--max-steps', '6', ...groups]
const measuring = ['kaitian', 'bench', 'allreduce', '--max', '16KiB', '--json']

async function succeed(machine: Machine, ...call: Parameters<Machine['run']>): Promise<string> {
  const { code, out, err } = await machine.run(...call)
  assert.is(code, 0, `${call[1].join(' ')}: ${out}${err}`)
  return `${out}${err}`
}

function install(machine: Machine, ...options: string[]): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', ...options]
  return succeed(machine, 'npm', ['install', ...quiet, ...tarballs])
}

function installs(version: string, compiler: boolean): void {
  const where = `Node.js ${version} ${compiler ? 'with' : 'without'} a compiler`
  test(`${where}: trains, measures, joins groups over TCP`, async () => {
    const machine = machineWith(nodes.fetchNode(version), compiler)
    try {
      await install(machine)
      const megabytes = sizeOf(join(machine.folder, 'node_modules')) / 1e6
      console.log(`${where}: ${megabytes.toFixed(0)} MB`)
      assert.ok(megabytes <= 130, `${megabytes} MB`)
      assert.match(await succeed(machine, 'npx', training), /finished/)
      const overTcp = await succeed(machine, 'npx', [...training, '--bridge', 'tcp', '--json'])
      assert.match(overTcp, /"outcome":"finished"/)
      const measured = await succeed(machine, 'npx', measuring)
      assert.match(measured, new RegExp(`"node":"v${version}".*"backend":"native`))
    } finally {
      machine.remove()
    }
  })
}

/** Bytes of the files. */
function sizeOf(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
}

function buildsItsOwn(version: string, other: string): void {
  test(`Node.js ${version} builds its own core, though npm was given the headers of ${other}`, async () => {
    const env = { npm_config_nodedir: dirname(dirname(nodes.fetchNode(other))) }
    const machine = machineWith(nodes.fetchNode(version), true)
    const build = (): Promise<string> => succeed(machine, 'npx', ['kaitian', 'build-native'], env)
    try {
      await install(machine, '--ignore-scripts')
      const native = join(machine.folder, 'node_modules', '@kaitian', 'comm-native')
      rmSync(join(native, 'prebuilds'), { recursive: true })
      const refused = await machine.run('npx', measuring)
      assert.match(refused.err, /NATIVE_LOAD_FAILED: .*'npx kaitian build-native'/)
      const text = await build()
      assert.match(text, /not used: the nodedir that npm was given, \S+, has the headers of Node/)
      assert.match(text, /compiling: (\d+) of \1 files\n.*the native core was built and loads\n/s)
      assert.is(await build(), 'the native core is built and loads\n')
      assert.match(await succeed(machine, 'npx', measuring), /"backend":"native/)
    } finally {
      machine.remove()
    }
  })
}

function asksForNoMore(): void {
  test('the native core asks for no newer system than the page says', () => {
    const root = fileURLToPath(new URL('../../../packages/comm-native/prebuilds', import.meta.url))
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
    const binaries = names.filter((name) => /linux.*glibc.*\.node$/.test(name))
    assert.ok(binaries.length >= versions.length)
    const [, glibc] = /glibc 2\.(\d+) and libstdc\+\+ of GCC 11/.exec(page) ?? []
    for (const name of binaries) {
      assert.ok(needs(join(root, name), 'GLIBC') <= Number(glibc), name)
      // Its version 3.4.29 came with GCC 11.
      assert.ok(needs(join(root, name), 'GLIBCXX') <= 29, name)
    }
  })
}

/** The newest version of a library's interface that a binary asks for. */
function needs(binary: string, library: string): number {
  const text = readFileSync(binary, 'latin1')
  const asked = [...text.matchAll(new RegExp(`${library}_[0-9]+\\.(?:4\\.)?([0-9]+)\0`, 'g'))]
  return Math.max(...asked.map(([, minor]) => Number(minor)))
}

if (depth({ cut: false, full: true })) {
  test.before(() => {
    prebuilds.prebuild(versions)
    tarballs = packages.packInto(folder)
  })
  for (const version of versions) {
    installs(version, false)
    installs(version, true)
  }
  const other = nodes.NODES.find((version) => version !== own)!
  buildsItsOwn(own, other)
  asksForNoMore()
}

test.run()
