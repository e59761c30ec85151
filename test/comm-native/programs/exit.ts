// process.exit with an operation in the air must not crash.
import { open, signature } from './scenario.js'

const { communicator } = open(60_000)
communicator.allreduce(signature(0)).catch(() => {})
setImmediate(() => {
  console.log('leaving')
  process.exit(0)
})
