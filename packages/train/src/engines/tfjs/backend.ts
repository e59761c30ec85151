import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import * as tf from '@tensorflow/tfjs-core'
import { setWasmPaths, version_wasm, type BackendWasm } from '@tensorflow/tfjs-backend-wasm'

/** The heap's layout and exports are undocumented; another version must be tried before it is trusted. */
export const TFJS_VERSION = '4.22.0'

/**
 * A wasm back end of its own: SIMD, single-threaded, with its own memory. It is
 * not made tfjs' current back end, so a program that uses tfjs beside it keeps
 * its own.
 */
export async function openBackend(): Promise<BackendWasm> {
  checkVersion()
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) {
    throw new KaitianError(
      'ENGINE_FAILED',
      'The tfjs engine needs WebAssembly SIMD, which this Node.js does not run on this processor; use another engine.',
    )
  }
  const folder = binaryFolder()
  setWasmPaths(folder)
  const silence = silenced(folder)
  try {
    return (await tf.findBackendFactory('wasm')()) as unknown as BackendWasm
  } catch (error) {
    throw toKaitianError(error, 'ENGINE_FAILED', 'The tfjs wasm back end did not start')
  } finally {
    silence()
  }
}

/** Emscripten listens to these and throws again, past a program's own handler. */
const FATAL = ['uncaughtException', 'unhandledRejection']

/**
 * Takes away, when it is called, what code in that folder has listened to since. Who adds a
 * listener stands in the stack; to the process all listeners are alike.
 */
function silenced(folder: string): () => void {
  const added: [string, (...args: unknown[]) => void][] = []
  const note = (event: string | symbol, listener: (...args: unknown[]) => void): void => {
    const fatal = typeof event === 'string' && FATAL.includes(event)
    if (fatal && new Error('who adds it').stack?.includes(folder)) added.push([event, listener])
  }
  process.on('newListener', note)
  return () => {
    process.removeListener('newListener', note)
    for (const [event, listener] of added) process.removeListener(event, listener)
  }
}

/** Throws ENGINE_FAILED unless the wasm package is the one whose inside is known. */
export function checkVersion(): void {
  const found: string = version_wasm
  if (found !== TFJS_VERSION) {
    throw new KaitianError(
      'ENGINE_FAILED',
      `The tfjs engine is built for @tensorflow/tfjs-backend-wasm ${TFJS_VERSION}, not ${found}; install that version.`,
      { fields: { wanted: TFJS_VERSION, found } },
    )
  }
}

/** Checked before use: Emscripten answers a missing file with an abort that prints pages. */
function binaryFolder(): string {
  const require = createRequire(import.meta.url)
  const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))
  const binary = `${folder}${sep}tfjs-backend-wasm-simd.wasm`
  if (existsSync(binary)) return folder + sep
  throw new KaitianError(
    'ENGINE_FAILED',
    `The file ${binary} is missing; install @tensorflow/tfjs-backend-wasm ${TFJS_VERSION} again, and if you bundle, keep that package outside the bundle.`,
    { fields: { binary } },
  )
}
