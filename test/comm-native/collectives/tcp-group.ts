/** A group of the placement over TCP, in a process of its own: tcp-group.js <group> <sizes>. */
import { systemClock } from '@kaitian/actors'
import { loadBackend, type Communicator } from '@kaitian/comm-native'
import { Peering, type Peer } from '@kaitian/train/bridge'
import type { ClusterOptions, Command, Report } from './cluster.js'
import { Thread } from './thread.js'

/** One generation, as one of its groups sees it. */
export interface Generation extends Required<ClusterOptions> {
  readonly generation: number
  readonly members: readonly string[]
  /** Which of the groups this is. */
  readonly group: number
  /** What the groups are called, in this generation's order. */
  readonly names: readonly string[]
  /** Which of the process's threads sit on the group's seats. */
  readonly threads: readonly number[]
}

export type GroupRequest =
  | { readonly do: 'connect'; readonly peers: readonly Peer[] }
  | { readonly do: 'make'; readonly generation: Generation }
  | { readonly do: 'ask'; readonly thread: number; readonly commands: readonly Command[] }
  | { readonly do: 'abort'; readonly cause: string }
  | { readonly do: 'end'; readonly thread: number }
  | { readonly do: 'dispose' }
  | { readonly do: 'peak' }

/** `reports` for what was asked, `peakBytes` of all trunks for a peak. */
export interface GroupAnswer {
  readonly reports?: readonly Report[]
  readonly peakBytes?: readonly number[]
}

/** The first word says where the group listens; every other one answers request `id`. */
export type GroupReply =
  | { readonly listens: Peer }
  | { readonly id: number; readonly answer?: GroupAnswer; readonly error?: string }

/** For a connection, which is on this machine. */
const CONNECT_MS = 240_000

const group = Number(process.argv[2])
const sizes = process.argv[3].split(',').map(Number)
const name = nameOf(group)
const backend = loadBackend('native')
const threads = Array.from({ length: sizes[group] }, () => new Thread())
const peering = new Peering({
  group: name,
  groups: sizes.map((_, other) => nameOf(other)),
  secret: 'a secret for tests, thirty-two bytes or more',
  host: '127.0.0.1',
  port: 0,
  clock: systemClock,
  deadlineMs: CONNECT_MS,
  backend,
})
let communicator: Communicator | undefined

function nameOf(of: number): string {
  return `group-${of}`
}

async function make(plan: Generation): Promise<void> {
  const { generation, members, groups, wire, deadlineMs } = plan
  const trunks = plan.names.map((peer) => (peer === name ? undefined : peering.trunk(peer)))
  peering.generation = generation
  communicator = backend.createCommunicator({
    generation,
    members,
    groups,
    wire,
    deadlineMs,
    // What is left of a run may be one group, which has nobody to reach.
    ...(groups.length > 1 && { span: { group: plan.group, trunks } }),
  })
  const { ticket } = communicator
  const first = groups.slice(0, plan.group).reduce((sum, size) => sum + size, 0)
  await Promise.all(
    plan.threads.map((thread, seat) =>
      threads[thread].ask({ ticket, seat: { rank: first + seat, groups, wire } }),
    ),
  )
}

async function answer(request: GroupRequest): Promise<GroupAnswer> {
  switch (request.do) {
    case 'connect':
      await peering.connect(request.peers)
      return {}
    case 'make':
      await make(request.generation)
      return {}
    case 'ask':
      return threads[request.thread].ask({ commands: request.commands })
    case 'abort':
      communicator?.abort(request.cause)
      return {}
    case 'end':
      await threads[request.thread].terminate()
      return {}
    case 'dispose':
      await communicator?.dispose()
      return {}
    case 'peak': {
      const others = sizes.map((_, other) => nameOf(other)).filter((other) => other !== name)
      return { peakBytes: others.map((other) => peering.trunk(other).peakBytes) }
    }
  }
}

function say(reply: GroupReply): void {
  // Who started this may be gone, as after a disconnect.
  if (process.connected) process.send!(reply)
}

process.on('message', ({ id, request }: { id: number; request: GroupRequest }) => {
  answer(request).then(
    (given) => say({ id, answer: given }),
    (error: unknown) => say({ id, error: String(error) }),
  )
})
// Also when whoever started this has died: nothing is left behind.
process.on('disconnect', () => void close())

async function close(): Promise<void> {
  await communicator?.dispose()
  await Promise.all([peering.dispose(), ...threads.map((thread) => thread.terminate())])
}

await peering.listen()
say({ listens: { group: name, ...peering.address } })
