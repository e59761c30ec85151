import { loadBackend, type CommunicatorTicket } from '@kaitian/comm-native'
import { parentPort } from 'node:worker_threads'
import type { Seat } from './case.js'
import type { Command, Report } from './cluster.js'
import { Player } from './player.js'

/** A rank in a worker thread. */
export type ThreadRequest =
  | { readonly ticket: CommunicatorTicket; readonly seat: Seat }
  | { readonly commands: readonly Command[] }

export interface ThreadAnswer {
  readonly reports: readonly Report[]
}

const backend = loadBackend('native')
let player: Player

async function answer(request: ThreadRequest): Promise<ThreadAnswer> {
  if ('commands' in request) return { reports: await player.playAll(request.commands) }
  const { ticket, seat } = request
  player = new Player(backend.joinCommunicator(ticket, seat.rank), seat)
  return { reports: [] }
}

parentPort?.on('message', (request: ThreadRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply))
})
