import { loadBackend } from '@kaitian/comm-native'
import { once } from 'node:events'
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/** Attaches a trunk to a port and does nothing more: only the trunk keeps it. */
const { port } = workerData as { port: number }
const socket = connect({ host: '127.0.0.1', port })
await once(socket, 'connect')
void loadBackend('native').openTrunk().attach(socket, new Uint8Array(0), 0)
parentPort!.postMessage('attached')
