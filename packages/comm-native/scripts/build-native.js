// Builds the native addon when it is out of date. Never fails: without a
// toolchain everything runs on the TypeScript fallback, and one line says so.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCompiler, missingTools } from './toolchain.js'

const require = createRequire(import.meta.url)
const native = fileURLToPath(new URL('../native', import.meta.url))
const addon = join(native, 'build', 'Release', 'kaitian_comm.node')
const stampFile = join(native, 'build', 'kaitian-stamp.json')

/** Everything that the addon's content depends on, but for the compiler. */
function sourcesHash() {
  const hash = createHash('sha256')
  hash.update(`${process.version} ${process.platform} ${process.arch}`)
  hash.update(require('node-addon-api/package.json').version)
  const files = ['core', 'addon'].flatMap((folder) =>
    readdirSync(join(native, folder), { recursive: true }).map((name) => join(folder, name)),
  )
  const sources = files.filter((name) => /\.(cc|h)$/.test(name))
  sources.sort((one, other) => (one < other ? -1 : 1))
  for (const name of [...sources, 'binding.gyp']) {
    hash.update(`\n${name}\n`)
    hash.update(readFileSync(join(native, name)))
  }
  return hash.digest('hex')
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'))
  } catch {
    return {}
  }
}

/** The headers that came with this Node.js; without them node-gyp downloads them. */
function headersOption() {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include', 'node', 'node.h')) ? [`--nodedir=${prefix}`] : []
}

/** node-gyp does not start without a home directory, though with headers at hand it needs none. */
function homeOption() {
  const { HOME, USERPROFILE } = process.env
  return HOME || USERPROFILE ? [] : [`--devdir=${join(native, 'build', 'node-gyp')}`]
}

function runNodeGyp() {
  const nodeGyp = require.resolve('node-gyp/bin/node-gyp.js')
  const jobs = `--jobs=${availableParallelism()}`
  return spawnSync(
    process.execPath,
    [nodeGyp, 'configure', 'build', '--release', jobs, ...headersOption(), ...homeOption()],
    { cwd: native, encoding: 'utf8' },
  )
}

function fallBack(reason) {
  // An addon of other sources must not be loaded by mistake.
  rmSync(addon, { force: true })
  console.log(`native core not built (${reason}): the TypeScript fallback will be used`)
}

function build() {
  const sources = sourcesHash()
  const compiler = findCompiler()?.version
  const stamp = existsSync(addon) ? readStamp() : {}
  if (stamp.sources === sources && (compiler === undefined || stamp.compiler === compiler)) return
  const missing = missingTools()
  if (missing.length > 0) return fallBack(`${missing.join(', ')} not found`)
  console.log(`building the native core with ${compiler}`)
  const { status, stdout, stderr, error } = runNodeGyp()
  if (status !== 0 || !existsSync(addon)) {
    console.error(`${stdout}\n${stderr}`.trim().split('\n').slice(-25).join('\n'))
    return fallBack(error?.message ?? `node-gyp ended with status ${status}`)
  }
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, JSON.stringify({ sources, compiler }))
}

try {
  build()
} catch (error) {
  fallBack(error.message)
}
