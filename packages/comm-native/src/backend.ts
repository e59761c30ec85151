import { typeScriptBackend } from './fallback/backend.js'
import type { CommBackend } from './types.js'

export function loadBackend(prefer: 'native' | 'typescript' | 'auto' = 'auto'): CommBackend {
  return typeScriptBackend(prefer)
}
