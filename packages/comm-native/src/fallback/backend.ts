import { KaitianError } from '@kaitian/errors'
import { buildAdvice } from '../load-error.js'
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
    joinCommunicator: (ticket, rank) => new TypeScriptMembership(ticket, rank, now),
    abortCommunicator: (ticket, cause) => controlOf(ticket).abort({ kind: 'aborted', cause }),
    openTrunk: () => refuseTrunk(reason),
  }
}

function refuseTrunk(reason: string): never {
  throw new KaitianError(
    'NATIVE_LOAD_FAILED',
    `Groups in different processes need the native core, and this is the TypeScript fallback: ${reason}. ${buildAdvice()}, or run all devices as one group.`,
  )
}
