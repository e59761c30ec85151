// Runs node-gyp, for the Node.js that runs this and for no other.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { withoutOtherTargets } from './headers.js'
import { nativeFolder } from './layout.js'

const require = createRequire(import.meta.url)
const native = nativeFolder()

/** node-gyp does not start without a home directory, though with headers at hand it needs none. */
function homeOption({ HOME, USERPROFILE }) {
  return HOME || USERPROFILE ? [] : [`--devdir=${join(native, 'build', 'node-gyp')}`]
}

/**
 * @param {{ nodedir: string | undefined, env: NodeJS.ProcessEnv, compiled: () => void }} options
 *   `compiled` is called for each file
 * @returns {Promise<{ status: number | null, output: string, configured: boolean }>}
 *   `configured` is false when it failed before anything was compiled
 */
export function runNodeGyp({ nodedir, env, compiled }) {
  const command = [
    require.resolve('node-gyp/bin/node-gyp.js'),
    'configure',
    'build',
    '--release',
    `--jobs=${availableParallelism()}`,
    ...(nodedir === undefined ? [] : [`--nodedir=${nodedir}`]),
    ...homeOption(env),
  ]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, {
      cwd: native,
      env: withoutOtherTargets(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let configured = false
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text))
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`
      if (!/^\s*CXX\(/.test(line)) return
      configured = true
      compiled()
    })
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, output, configured }))
  })
}
