import type { CommBackend } from '../types.js'
import { monotonic, type Now } from './clock.js'
import { TypeScriptCommunicator } from './communicator.js'
import { openContext } from './device-context.js'
import { assertLittleEndian, kernels } from './kernels.js'
import { controlOf, TypeScriptMembership } from './membership.js'

/** The whole surface in TypeScript. `reason` says in the log why it runs. */
export function typeScriptBackend(reason: string, now: Now = monotonic): CommBackend {
  assertLittleEndian()
  let communicators = 0
  return {
    implementation: 'typescript',
    description: `TypeScript, without native code: ${reason}`,
    kernels,
    openContext,
    createCommunicator: (options) => new TypeScriptCommunicator(communicators++, options, now),
    joinCommunicator: (ticket, rank) => new TypeScriptMembership(ticket, rank),
    abortCommunicator: (ticket, cause) => controlOf(ticket).abort({ kind: 'aborted', cause }),
  }
}
