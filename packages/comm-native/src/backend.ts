import { typeScriptBackend } from './fallback/backend.js'
import { loadError, loadReason } from './load-error.js'
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
    if (prefer === 'auto') return typeScriptBackend(loadReason(error))
    throw loadError(error, "ask for 'auto' to use the TypeScript fallback")
  }
}
