export { encodeFrame, FrameReader, type HandshakeFrame } from './frame.js'
export {
  Handshake,
  type HandshakeOptions,
  type HandshakeStep,
  type NonceSource,
  type ProvedPeer,
} from './handshake.js'
export { tcp, type Address, type Listener, type Network } from './network.js'
export { Peering, type Peer, type PeeringOptions } from './peering.js'
