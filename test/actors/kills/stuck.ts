import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Native code that does not return by itself. */
export interface Stuck {
  untilAbort(word: Int32Array): void
  forever(): never
}

const source = fileURLToPath(new URL('../../../actors/kills/stuck.c', import.meta.url))
const addon = fileURLToPath(new URL('./stuck.node', import.meta.url))

/** Builds it when it is not there yet. Undefined, and a line that says why, when it cannot be. */
export function buildStuck(): string | undefined {
  if (existsSync(addon) && statSync(addon).mtimeMs > statSync(source).mtimeMs) return addon
  const headers = join(dirname(dirname(process.execPath)), 'include', 'node')
  if (!existsSync(join(headers, 'node_api.h'))) return skip(`no Node.js headers in ${headers}`)
  mkdirSync(dirname(addon), { recursive: true })
  const built = `${addon}.${process.pid}`
  const args = ['-shared', '-fPIC', '-O1', `-I${headers}`, source, '-o', built]
  const { status, stderr, error } = spawnSync(process.env.CC ?? 'cc', args, { encoding: 'utf8' })
  if (status !== 0) return skip(error?.message ?? stderr)
  renameSync(built, addon)
  return addon
}

/** In the victim's thread or process. */
export function loadStuck(path: string): Stuck {
  return createRequire(import.meta.url)(path) as Stuck
}

function skip(why: string): undefined {
  console.log(`  native code of the test's own is left out: ${why.trim()}`)
  return undefined
}
