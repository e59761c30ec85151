import { KaitianError } from '@kaitian/errors'
import { typeScriptBackend } from './fallback/backend.js'
import { nativeBackend } from './native-backend/backend.js'
import type { CommBackend } from './types.js'

export type BackendPreference = 'native' | 'typescript' | 'auto'

/** One per thread: the addon tells one object of this thread's completions. */
let native: CommBackend | undefined

/**
 * The collectives, device contexts and kernels for this thread. All threads of
 * a run must load the same implementation; tickets say which it is.
 *
 * @param prefer `auto` takes the native one where it loads and the TypeScript
 *   one otherwise, and then says why in `description`
 * @throws NATIVE_LOAD_FAILED when `native` was asked for and does not load
 */
export function loadBackend(prefer: BackendPreference = 'auto'): CommBackend {
  if (prefer === 'typescript') return typeScriptBackend('it was asked for')
  try {
    native ??= nativeBackend()
    return native
  } catch (error) {
    const reason = firstLine(error)
    if (prefer === 'auto') return typeScriptBackend(reason)
    throw new KaitianError(
      'NATIVE_LOAD_FAILED',
      `The native core does not load: ${reason}. Build it with 'npm run build' on a machine with a C++20 compiler, make and Python, or ask for 'auto' to use the TypeScript fallback.`,
      { cause: error },
    )
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.startsWith('Cannot find module') ? 'it was not built' : message.split('\n')[0]
}
