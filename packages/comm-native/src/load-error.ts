import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KaitianError, ownFile } from '@kaitian/errors'

/** Why the addon does not load, in a few words. */
export function loadReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n')[0]
}

/** @param otherwise what to do where it cannot be built */
export function loadError(cause: unknown, otherwise: string): KaitianError {
  if (cause instanceof KaitianError) return cause
  return new KaitianError(
    'NATIVE_LOAD_FAILED',
    `The native core does not load: ${loadReason(cause)}. ${buildAdvice()}, or ${otherwise}.`,
    { cause },
  )
}

/** A sentence without its full stop. */
export function buildAdvice(): string {
  return `Build it with '${buildCommand()}', which needs a C++20 compiler, make and Python 3`
}

/** The short command where npx finds it; this package may also be used without `kaitian`. */
function buildCommand(): string {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', '.bin', 'kaitian'))) {
      return 'npx kaitian build-native'
    }
    if (folder === resolve(folder, '..')) break
  }
  return `node ${fileURLToPath(ownFile('../scripts/build-native.js', import.meta.url))}`
}
