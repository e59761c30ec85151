/** A thread that works until it is ended, by its host or by itself. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { seeded } from '../../random.js'
import { Line } from '../line.js'
import { PLANNED, type Ending } from '../plan.js'
import { work, type Kind } from '../work.js'

export interface WorkerOptions {
  readonly kind: Kind
  readonly rank: 0 | 1
  readonly seed: number
  readonly ending: Ending
  readonly port: MessagePort
  /** By rank: steps taken so far. */
  readonly steps: Int32Array
}

const { kind, rank, seed, ending, port, steps } = workerData as WorkerOptions

const drawn = seeded(seed)

function step(): void {
  const taken = Atomics.add(steps, rank, 1)
  if (taken === 0) Atomics.notify(steps, rank)
  if (taken !== ending.step) return
  if (ending.way === 'exit') process.exit(0)
  // Not within the promise that is awaited: as a listener throws.
  if (ending.way === 'throw') {
    process.nextTick(() => {
      throw new Error(PLANNED)
    })
  }
}

await work(kind, {
  rank,
  random: (below) => Math.floor(drawn.next() * below),
  step,
  other: new Line(port),
  tell: (ticket) => parentPort!.postMessage(ticket),
})
