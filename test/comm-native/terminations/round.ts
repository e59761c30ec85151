import { seededRandom } from '@kaitian/actors'
import { loadBackend, type CommunicatorTicket } from '@kaitian/comm-native'
import { MessageChannel, Worker } from 'node:worker_threads'
import { PLANNED, planOf, type Ending } from './plan.js'
import type { WorkerOptions } from './programs/worker.js'
import type { Kind } from './work.js'

/** Two threads that work together, each ended at its moment. Rejects when one ends otherwise. */
export async function round(kind: Kind, seed: number, number: number): Promise<void> {
  const random = seededRandom('terminations', seed, kind, number)
  const plan = planOf(random)
  const endings = [plan.first, plan.second].toSorted((one, other) => one.rank - other.rank)
  const { port1, port2 } = new MessageChannel()
  const steps = new Int32Array(new SharedArrayBuffer(8))
  const tickets: CommunicatorTicket[] = []
  const threads = endings.map((ending, rank) => {
    const port = rank === 0 ? port1 : port2
    const drawn = random.integer(2 ** 32)
    const options = { kind, rank: ending.rank, seed: drawn, ending, port, steps }
    return new Thread(options, (ticket) => void tickets.push(ticket))
  })
  const abort = (): void => {
    const backend = loadBackend('native')
    for (const ticket of tickets.splice(0)) backend.abortCommunicator(ticket, 'The host asks.')
  }
  for (const ending of [plan.first, plan.second]) {
    const thread = threads[ending.rank]
    await thread.reaches(ending)
    if (plan.aborts === 'before') abort()
    thread.end(ending)
    if (plan.aborts === 'after') abort()
  }
  await Promise.all(threads.map((thread) => thread.ended))
}

class Thread {
  /** Rejects when it ended with what was not planned. */
  readonly ended: Promise<void>
  readonly #worker: Worker
  readonly #steps: Int32Array
  #over = false

  constructor(options: WorkerOptions, told: (ticket: CommunicatorTicket) => void) {
    this.#steps = options.steps
    this.#worker = new Worker(new URL('./programs/worker.js', import.meta.url), {
      workerData: options,
      transferList: [options.port],
    })
    this.#worker.on('message', told)
    this.ended = this.#end()
    // Looked at when both are over.
    this.ended.catch(() => {})
  }

  async #end(): Promise<void> {
    let failure: Error | undefined
    this.#worker.on('error', (error) => {
      if (error.message !== PLANNED) failure = error
    })
    await new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#over = true
    if (failure !== undefined) throw failure
  }

  /** Until it has come to its step, or has ended by itself. */
  async reaches({ rank, step, spins }: Ending): Promise<void> {
    // It takes a while until there is anything to look at.
    if (step > 0) await Promise.race([Atomics.waitAsync(this.#steps, rank, 0).value, this.ended])
    while (!this.#over && Atomics.load(this.#steps, rank) <= step) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (let i = 0; i < spins; i++) Atomics.load(this.#steps, rank)
  }

  end({ way }: Ending): void {
    if (way === 'terminate') void this.#worker.terminate()
  }
}
