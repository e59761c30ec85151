export { loadBackend, type BackendPreference } from './backend.js'
export { ELEMENT_BYTES } from './checks.js'
export {
  createSharedRegion,
  openSharedRegion,
  type SharedRegion,
  type SharedRegionAddress,
} from './shared-region.js'
export type {
  CommBackend,
  Communicator,
  CommunicatorOptions,
  CommunicatorTicket,
  DeviceAddress,
  DeviceContext,
  DType,
  Kernels,
  Membership,
  Region,
  SgdStep,
  Signature,
} from './types.js'
