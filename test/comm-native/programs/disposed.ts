// dispose ends what is outstanding and leaves no handle behind.
import { open, signature } from './scenario.js'

const before = process.getActiveResourcesInfo()
const { communicator } = open(60_000)
const failed = communicator.allreduce(signature(0)).catch((error: { code: string }) => error.code)
await communicator.dispose()
const code = await failed
// Before the first output, which opens a stream of its own.
const left = process.getActiveResourcesInfo().filter((name) => !before.includes(name))
console.log(code)
console.log(left.length === 0 ? 'no handles' : left.join())
