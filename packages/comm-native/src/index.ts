export { loadBackend, type BackendPreference } from './backend.js'
export { buildAdvice } from './load-error.js'
export { DTYPES, ELEMENT_BYTES, type Data, type DType } from './dtype.js'
export { OPS, type Op } from './op.js'
export {
  createSharedRegion,
  openSharedRegion,
  type SharedRegion,
  type SharedRegionAddress,
} from './shared-region.js'
export type { Trunk, TrunkLoss, TrunkOptions } from './trunk.js'
export type {
  CommBackend,
  Communicator,
  CommunicatorOptions,
  CommunicatorTicket,
  DeviceAddress,
  DeviceContext,
  Kernels,
  Membership,
  MoveCall,
  ReduceCall,
  Region,
  RootedCall,
  DigestWords,
  SgdStep,
  Signature,
} from './types.js'
