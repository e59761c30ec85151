import { existsSync } from 'node:fs'
import { KaitianError } from './error.js'

/**
 * The address of a file of a Kaitian package, relative to the module that needs it: the program of
 * a thread, the native core. A bundler moves the module and leaves the file behind.
 *
 * @param from import.meta.url, which is empty in a bundle of CommonJS
 * @throws BUNDLED
 */
export function ownFile(path: string, from: string | undefined): URL {
  if (URL.canParse(path, from)) {
    const file = new URL(path, from)
    if (existsSync(file)) return file
  }
  throw new KaitianError(
    'BUNDLED',
    `Kaitian's file ${path} is not beside the code that needs it. Kaitian loads files into threads and cannot be part of a bundle: keep 'kaitian' and '@kaitian/*' external (with esbuild --packages=external), and install them where the bundle runs.`,
    { fields: { path, from } },
  )
}
