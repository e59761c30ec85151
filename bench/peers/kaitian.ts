import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { loadBackend } from '@kaitian/comm-native'
import type { Contestant, Skipped } from './contestant.js'
import type { RankData, RankReply, RankRequest } from './kaitian-rank.js'

/** Ours: the ranks are worker threads of one process, as device actors are. */
export async function openKaitian(ranks: number): Promise<Contestant | Skipped> {
  const name = 'kaitian'
  const backend = loadBackend()
  if (backend.implementation !== 'native') return { name, reason: backend.description }
  const communicator = backend.createCommunicator({
    generation: 1,
    members: Array.from({ length: ranks }, (_, rank) => `cpu:${rank}`),
    regions: Array.from({ length: ranks }, () => ({})),
    deadlineMs: 60_000,
  })
  const { ticket } = communicator
  const workers = Array.from({ length: ranks }, (_, rank) => {
    const workerData: RankData = { ticket, rank }
    return new Worker(new URL('./kaitian-rank.js', import.meta.url), { workerData })
  })
  const version = `${backend.description}, ${ranks} threads of ${availableParallelism()} processors`

  async function measure(bytes: number, iterations: number): Promise<readonly number[]> {
    const request: RankRequest = { bytes, iterations }
    const replies = workers.map(async (worker) => {
      worker.postMessage(request)
      const [reply] = (await once(worker, 'message')) as [RankReply]
      return reply
    })
    const [first, ...others] = await Promise.all(replies)
    const wrong = [first, ...others].find(({ error }) => error !== undefined)
    if (wrong !== undefined) throw new Error(wrong.error)
    return first.us
  }

  async function close(): Promise<void> {
    await communicator.dispose()
    await Promise.all(workers.map((worker) => worker.terminate()))
  }

  return { name, ranks, version, measure, close }
}
