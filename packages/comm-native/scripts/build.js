// Builds the native core for the Node.js that runs this, unless that was done.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { chooseHeaders } from './headers.js'
import { addonFiles, builtHere, nativeFolder, prebuilt } from './layout.js'
import { runNodeGyp } from './node-gyp.js'
export { progressOn } from './progress.js'
import { findCompiler, missingTools } from './toolchain.js'

const require = createRequire(import.meta.url)
const native = nativeFolder()

/** node-gyp's own result, before it was tried. */
const fresh = join(native, 'build', 'Release', 'kaitian_comm.node')
/** Which Node.js the objects beside it are of: headers may change under make's eyes. */
const objectsOf = join(native, 'build', 'Release', 'node-version')

/** Everything that the addon's content depends on, but for the compiler and Node.js. */
function sourcesHash() {
  const hash = createHash('sha256')
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

function stampOf(addon) {
  return addon.replace(/\.node$/, '.json')
}

function readStamp(addon) {
  try {
    return existsSync(addon) ? JSON.parse(readFileSync(stampOf(addon), 'utf8')) : {}
  } catch {
    return {}
  }
}

/** Why an addon does not load into this Node.js; undefined when it does. */
export function loadFailure(addon) {
  const program = 'process.stdout.write(require(process.argv[1]).nodeModules)'
  // In a process of its own: what is loaded stays, and a bad one could end this process.
  const { stdout, stderr, signal } = spawnSync(process.execPath, ['-e', program, addon], {
    encoding: 'utf8',
  })
  if (stdout === process.versions.modules) return undefined
  if (stdout !== '')
    return `it is for Node.js ABI ${stdout}, this is ABI ${process.versions.modules}`
  return /^Error: (.*)/m.exec(stderr)?.[1] ?? `loading it ended the process (${signal})`
}

/** An addon of other sources must not be loaded by mistake. */
function removeOthers(sources) {
  for (const addon of addonFiles()) {
    if (readStamp(addon).sources !== sources) rmSync(addon, { force: true })
  }
}

function insteadOfIt() {
  const loads = addonFiles().some((addon) => existsSync(addon) && loadFailure(addon) === undefined)
  return loads ? 'the one that is there is used' : 'the TypeScript fallback is used'
}

/** @returns {Promise<{ failure?: string, output?: string }>} */
async function compile({ prebuild, log, progress }) {
  const { nodedir, passedOver } = chooseHeaders({ ...nodeHere(), env: process.env })
  for (const sentence of passedOver) log(`not used: ${sentence}`)
  if (nodedir === undefined) {
    log(`the headers of Node.js ${process.version} are not on this machine: node-gyp fetches them`)
  }
  const current = existsSync(objectsOf) && readFileSync(objectsOf, 'utf8') === process.version
  if (!current) rmSync(dirname(fresh), { recursive: true, force: true })
  rmSync(fresh, { force: true })
  mkdirSync(dirname(fresh), { recursive: true })
  writeFileSync(objectsOf, process.version)
  let files = 0
  const { status, output, configured } = await runNodeGyp({
    nodedir,
    // Stripped: a third smaller, and who downloads it does not debug it.
    env: prebuild ? { ...process.env, LDFLAGS: '-s' } : process.env,
    compiled: () => progress(++files, sourceCount()),
  })
  if (status === 0 && existsSync(fresh)) return {}
  const headers = `node-gyp could not fetch the headers of Node.js ${process.version}; give npm's nodedir the folder of a Node.js of this version`
  const failure = `node-gyp ended with status ${status}`
  return { failure: nodedir === undefined && !configured ? headers : failure, output }
}

function nodeHere() {
  const { version, versions, execPath } = process
  return { version, modules: versions.modules, execPath }
}

function sourceCount() {
  return readFileSync(join(native, 'binding.gyp'), 'utf8').match(/\.cc"/g).length
}

/** The addon takes its place whole, and only once it was seen to load. */
function install(addon, stamp) {
  mkdirSync(dirname(addon), { recursive: true })
  const unfinished = `${addon}.${process.pid}`
  copyFileSync(fresh, unfinished)
  renameSync(unfinished, addon)
  writeFileSync(stampOf(addon), `${JSON.stringify(stamp)}\n`)
}

/** @type {import('./build.js').buildNative} */
export async function buildNative({ prebuild = false, log, progress }) {
  const addon = prebuild ? prebuilt() : builtHere()
  const sources = sourcesHash()
  const failed = (reason, output) => {
    removeOthers(sources)
    return { outcome: 'failed', reason, output, instead: insteadOfIt() }
  }
  const compiler = findCompiler()?.version
  const stamp = readStamp(addon)
  const current = stamp.sources === sources && (!compiler || stamp.compiler === compiler)
  if (current && loadFailure(addon) === undefined) return { outcome: 'current', addon }
  const missing = missingTools()
  if (missing.length > 0) return failed(`${missing.join(', ')} not found`)
  log(`building the native core for Node.js ${process.version} with ${compiler}`)
  try {
    const { failure, output } = await compile({ prebuild, log, progress })
    if (failure !== undefined) return failed(failure, output)
    const unloadable = loadFailure(fresh)
    if (unloadable !== undefined) return failed(`it was built, but does not load: ${unloadable}`)
    install(addon, { sources, compiler, node: process.version })
    return { outcome: 'built', addon }
  } catch (error) {
    return failed(error.message)
  }
}

/** The last lines of a compiler's output: where it stopped. */
export function endOfOutput(output) {
  return output.trim().split('\n').slice(-25).join('\n')
}
