export { openEndpoint, type Endpoint, type EndpointOptions } from './endpoint.js'
export type { ExchangeRequest, SumKernels } from './exchange.js'
export * from './frame.js'
export { FrameParser, type FrameSink, type Landing } from './parser.js'
export {
  Handshake,
  type HandshakeOptions,
  type HandshakeStep,
  type NonceSource,
} from './handshake.js'
export type { Peer } from './mesh.js'
export { tcp, type Address, type Listener, type Network } from './tcp.js'
export {
  Bridge,
  BridgeProtocol,
  ExchangeReplyProtocol,
  type BridgeArgs,
  type ExchangeMessage,
} from './actor.js'
