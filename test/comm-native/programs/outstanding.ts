// An outstanding operation is all that keeps this program running.
import { open, signature } from './scenario.js'

const { communicator } = open(200)
communicator.allreduce(signature(0)).catch((error: { code: string }) => console.log(error.code))
