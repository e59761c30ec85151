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
  setWasmPaths(binaryFolder())
  const listeners = FATAL.map((event) => process.listeners(event as 'uncaughtException'))
  try {
    return (await tf.findBackendFactory('wasm')()) as unknown as BackendWasm
  } catch (error) {
    throw toKaitianError(error, 'ENGINE_FAILED', 'The tfjs wasm back end did not start')
  } finally {
    FATAL.forEach((event, i) => removeAdded(event, listeners[i]))
  }
}

/**
 * Emscripten listens to these and throws again, past a program's own handler.
 * What was added meanwhile by others is told apart by its text.
 */
const FATAL = ['uncaughtException', 'unhandledRejection'] as const

function removeAdded(event: string, before: readonly unknown[]): void {
  for (const listener of process.listeners(event as 'uncaughtException')) {
    if (!before.includes(listener) && /\bthrow\b/.test(String(listener)))
      process.removeListener(event, listener)
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
