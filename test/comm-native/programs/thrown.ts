// An error in a tick behind a completion is an uncaught one, at once, and what comes next completes.
import { open, signature } from './scenario.js'

const { communicator, membership } = open(60_000)
const uncaught = new Promise<Error>((resolve) => process.once('uncaughtException', resolve))
async function reduce(sequence: number): Promise<void> {
  const done = communicator.allreduce(signature(sequence))
  membership.ready(signature(sequence))
  await done
}
await reduce(0)
process.nextTick(() => {
  throw new Error('a fault')
})
console.log(`uncaught: ${(await uncaught).message}`)
await reduce(1)
console.log('summed')
await communicator.dispose()
