import { Worker } from 'node:worker_threads'
import { createSystem } from '@kaitian/actors'
import { wrap } from 'comlink'
import { Piscina } from 'piscina'
import type { Asker } from './asking.js'
import { openComedy } from './comedy.js'
import { comlinkEndpoint } from './comlink-endpoint.js'
import type { ComlinkApi } from './comlink-thread.js'
import { Counter } from './counter.js'
import type { Gradient } from './message.js'
import { RawWorker } from './raw-worker.js'

/** Each asks something on one worker thread of its own. */
export async function ours(): Promise<Asker> {
  const system = createSystem()
  const thread = new URL('./counter.js', import.meta.url)
  const ref = await system.spawn(Counter, undefined, { on: { thread } })
  return { ask: (message) => ref.ask.next(message), close: () => system.dispose() }
}

export function raw(): Asker {
  const worker = new RawWorker()
  return { ask: (message) => worker.ask(message), close: () => worker.close() }
}

export function withComlink(): Asker {
  const worker = new Worker(new URL('./comlink-thread.js', import.meta.url))
  const api = wrap<ComlinkApi>(comlinkEndpoint(worker))
  return {
    ask: (message) => api.next(message),
    async close() {
      await worker.terminate()
    },
  }
}

/**
 * A pool of one. `outstanding` goes to `concurrentTasksPerWorker`: with piscina's default of 1 a
 * task waits in the host for the one before.
 */
export function withPiscina(outstanding: number): Asker {
  const pool = new Piscina<Gradient, number>({
    filename: new URL('./piscina-thread.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: outstanding,
    recordTiming: false,
  })
  return { ask: (message) => pool.run(message), close: () => pool.destroy() }
}

/** comedy sends the class's source text to the thread, so it must not refer to anything else. */
export async function withComedy(): Promise<Asker> {
  const { root, close } = await openComedy()
  const actor = await root.createChild(
    class Answerer {
      next({ n }: Gradient): number {
        return n + 1
      }
    },
    { mode: 'threaded' },
  )
  return { ask: (message) => actor.sendAndReceive('next', message), close }
}
