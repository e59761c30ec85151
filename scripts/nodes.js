// The Node.js versions that the package brings a native core for, as npm packages: each holds the
// program and its headers. One for each ABI; any release of the same major loads the result.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const NODES = ['20.20.2', '22.23.5', '24.22.3']

const cache = fileURLToPath(new URL('../node_modules/.cache/kaitian/', import.meta.url))

function run(program, args, cwd) {
  const { status, error, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`)
}

/** The program of that version; fetched by npm the first time. */
export function fetchNode(version) {
  const folder = join(cache, `node-${version}`)
  const program = join(folder, 'bin', 'node')
  if (existsSync(program)) return program
  const unfinished = `${folder}-${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  const name = `node-${process.platform}-${process.arch}`
  run('npm', ['pack', '--silent', `${name}@${version}`], unfinished)
  run('tar', ['xzf', `${name}-${version}.tgz`, '--strip-components=1'], unfinished)
  rmSync(join(unfinished, `${name}-${version}.tgz`))
  // Renamed when complete, so that an interrupted one is not taken for it.
  rmSync(folder, { recursive: true, force: true })
  renameSync(unfinished, folder)
  return program
}
