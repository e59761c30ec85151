import { KaitianError } from '@kaitian/errors'

/** Why the addon does not load, in a few words. */
export function loadReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.startsWith('Cannot find module') ? 'it was not built' : message.split('\n')[0]
}

/** @param otherwise what to do where it cannot be built */
export function loadError(cause: unknown, otherwise: string): KaitianError {
  return new KaitianError(
    'NATIVE_LOAD_FAILED',
    `The native core does not load: ${loadReason(cause)}. Build it with 'npm run build' on a machine with a C++20 compiler, make and Python, or ${otherwise}.`,
    { cause },
  )
}
