import { existsSync } from 'node:fs'
import { KaitianError } from './error.js'

/**
 * The address of a file of a Kaitian package: the program of a thread, the native core. A user's
 * bundler moves the module that needs it and leaves the file behind.
 *
 * @param path from the package's `dist`, wherever in there the module that needs it has come to be
 * @param from import.meta.url, which is empty in a bundle of CommonJS
 * @throws BUNDLED
 */
export function ownFile(path: string, from: string | undefined): URL {
  const dist = /^.*\/dist\//.exec(from ?? '')?.[0]
  if (URL.canParse(path, dist)) {
    const file = new URL(path, dist)
    if (existsSync(file)) return file
  }
  throw new KaitianError(
    'BUNDLED',
    `Kaitian's file ${path} is not beside the code that needs it. Kaitian loads files into threads and cannot be part of a bundle: keep 'kaitian' and '@kaitian/*' external (with esbuild --packages=external), and install them where the bundle runs.`,
    { fields: { path, from } },
  )
}
