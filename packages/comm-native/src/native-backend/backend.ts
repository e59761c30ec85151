import { loadAddon, type NativeAddon } from '../native.js'
import type { CommBackend } from '../types.js'
import { NativeBackedCommunicator } from './communicator.js'
import { Completions } from './completions.js'
import { openContext } from './device-context.js'
import { checkedKernels } from './kernels.js'
import { NativeBackedMembership } from './membership.js'
import { idOf } from './ticket.js'
import { NativeBackedTrunk } from './trunk.js'

/** The native surface as a backend: one per thread, over one core for the process. */
export function nativeBackend(): CommBackend {
  const addon = loadAddon()
  const completions = new Completions(addon)
  return {
    implementation: 'native',
    description: describe(addon),
    kernels: checkedKernels(addon),
    openContext: (device) => openContext(addon, device),
    createCommunicator: (options) => new NativeBackedCommunicator(addon, completions, options),
    joinCommunicator: (ticket, rank) =>
      new NativeBackedMembership(addon, completions, ticket, rank),
    abortCommunicator: (ticket, cause) => addon.abortCommunicator(idOf(ticket), cause),
    openTrunk: (options = {}) => new NativeBackedTrunk(addon, completions, options),
  }
}

function describe(addon: NativeAddon): string {
  return `native, ${addon.compiler}, ${addon.instructionSet}`
}
