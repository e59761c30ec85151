// Nothing outstanding and nothing disposed of: the program ends by itself.
import { open, signature } from './scenario.js'

const { communicator, membership } = open(60_000)
membership.ready(signature(0))
await communicator.allreduce(signature(0))
console.log('done')
