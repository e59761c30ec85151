/** A group of `openKaitianGroups`: node kaitian-group.js <group> <sizes, comma-separated>. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { loadBackend, type Communicator, type Trunk } from '@kaitian/comm-native'
import type { RankData, RankReply } from './kaitian-rank.js'

export type GroupRequest =
  | { readonly ports: readonly number[] }
  | { readonly bytes: number; readonly iterations: number }

export interface GroupReply {
  /** Where it listens; the first word of a group. */
  readonly port?: number
  readonly us?: readonly number[]
  readonly error?: string
}

const group = Number(process.argv[2])
const groups = process.argv[3].split(',').map(Number)
const backend = loadBackend('native')
const trunks = groups.map((_, other) => (other === group ? undefined : backend.openTrunk()))
const members = groups.flatMap((size, of) => Array.from({ length: size }, (_, i) => `${of}:${i}`))
const first = groups.slice(0, group).reduce((sum, size) => sum + size, 0)
let communicator: Communicator | undefined
let workers: Worker[] = []
const server = createServer((socket) => void accept(socket))
/** Later groups that have not connected. */
let missing = groups.length - 1 - group
let allIn = (): void => {}

/** A later group says which one it is; who may connect is no matter of this measurement. */
async function accept(socket: Socket): Promise<void> {
  const [hello] = (await once(socket, 'data')) as [Buffer]
  handOver(socket, trunks[hello[0]]!, hello.subarray(1))
  if (--missing === 0) allIn()
}

function handOver(socket: Socket, trunk: Trunk, early: Uint8Array): void {
  socket.setNoDelay(true)
  void trunk.attach(socket, early, 0)
}

async function open(ports: readonly number[]): Promise<GroupReply> {
  const accepted = new Promise<void>((resolve) => (allIn = resolve))
  for (let other = 0; other < group; other++) {
    const socket = connect(ports[other], '127.0.0.1')
    await once(socket, 'connect')
    await new Promise((resolve) => socket.write(Uint8Array.of(group), resolve))
    handOver(socket, trunks[other]!, new Uint8Array())
  }
  if (missing > 0) await accepted
  communicator = backend.createCommunicator({
    generation: 1,
    members,
    groups,
    deadlineMs: 60_000,
    span: { group, trunks },
  })
  const { ticket } = communicator
  workers = Array.from({ length: groups[group] }, (_, index) => {
    const workerData: RankData = { ticket, rank: first + index }
    return new Worker(new URL('./kaitian-rank.js', import.meta.url), { workerData })
  })
  return {}
}

async function measure(request: GroupRequest): Promise<GroupReply> {
  const replies = await Promise.all(
    workers.map(async (worker) => {
      worker.postMessage(request)
      const [reply] = (await once(worker, 'message')) as [RankReply]
      return reply
    }),
  )
  return replies.find(({ error }) => error !== undefined) ?? replies[0]
}

process.on('message', (request: GroupRequest) => {
  const answer = 'ports' in request ? open(request.ports) : measure(request)
  void answer.then(
    (reply) => process.send!(reply),
    (error: unknown) => process.send!({ error: String(error) }),
  )
})
async function close(): Promise<void> {
  server.close()
  await communicator?.dispose()
  for (const trunk of trunks) trunk?.close()
  await Promise.all(workers.map((worker) => worker.terminate()))
}

process.on('disconnect', () => void close())
server.listen(0, '127.0.0.1', () => {
  process.send!({ port: (server.address() as AddressInfo).port } satisfies GroupReply)
})
