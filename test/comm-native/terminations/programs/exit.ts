/**
 * A process that ends by process.exit in the midst of what its threads, the main one among them,
 * do: exit.js <kind> <seed> <number>. Its status is 0, and it says nothing.
 */
import { seededRandom } from '@kaitian/actors'
import { MessageChannel, Worker } from 'node:worker_threads'
import { Line } from '../line.js'
import { planOf } from '../plan.js'
import { work, type Kind } from '../work.js'
import type { WorkerOptions } from './worker.js'

const [kind, seed, number] = process.argv.slice(2)
const random = seededRandom('exits', Number(seed), kind, Number(number))
const { first, second } = planOf(random)
const { port1, port2 } = new MessageChannel()
const steps = new Int32Array(new SharedArrayBuffer(8))

/** Works beside the main thread, until the process ends. */
const options: WorkerOptions = {
  kind: kind as Kind,
  rank: 1,
  seed: random.integer(2 ** 32),
  ending: { ...second, way: 'terminate' },
  port: port2,
  steps,
}
const beside = new Worker(new URL('./worker.js', import.meta.url), {
  workerData: options,
  transferList: [port2],
})
beside.once('exit', () => {
  throw new Error('the other thread has ended by itself')
})

/** Where it ends: at a step of this thread, or in whichever turn the other one has come to its. */
const here = random.integer(2) === 0
if (!here) {
  const look = (): void => {
    if (Atomics.load(steps, 1) > second.step) process.exit(0)
    setImmediate(look)
  }
  look()
}
await work(kind as Kind, {
  rank: 0,
  random: (below) => random.integer(below),
  step: () => {
    if (Atomics.add(steps, 0, 1) === first.step && here) process.exit(0)
  },
  other: new Line(port1),
  tell: () => {},
})
