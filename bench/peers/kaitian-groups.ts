import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { loadBackend } from '@kaitian/comm-native'
import type { Contestant, Skipped } from './contestant.js'
import type { GroupReply, GroupRequest } from './kaitian-group.js'

/** Ours over TCP: a process for each group, in it a worker thread for each rank. */
export async function openKaitianGroups(groups: readonly number[]): Promise<Contestant | Skipped> {
  const name = `kaitian ${groups.join('+')}`
  const backend = loadBackend()
  if (backend.implementation !== 'native') return { name, reason: backend.description }
  const program = fileURLToPath(new URL('./kaitian-group.js', import.meta.url))
  const processes = groups.map((_, group) =>
    fork(program, [String(group), groups.join(',')], { stdio: 'inherit' }),
  )
  const ports = await Promise.all(processes.map(async (child) => portOf(await next(child))))
  await Promise.all(processes.map((child) => ask(child, { ports })))

  async function measure(bytes: number, iterations: number): Promise<readonly number[]> {
    const request: GroupRequest = { bytes, iterations }
    const replies = await Promise.all(processes.map((child) => ask(child, request)))
    const wrong = replies.find(({ error }) => error !== undefined)
    if (wrong !== undefined) throw new Error(wrong.error)
    return replies[0].us ?? []
  }

  async function close(): Promise<void> {
    await Promise.all(
      processes.map(async (child) => {
        const gone = once(child, 'exit')
        child.disconnect()
        await gone
      }),
    )
  }

  const ranks = groups.reduce((sum, size) => sum + size, 0)
  return { name, ranks, version: `${backend.description}, over loopback TCP`, measure, close }
}

async function next(child: ChildProcess): Promise<GroupReply> {
  const heard = new AbortController()
  const { signal } = heard
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`a group's process ended with ${String(code)}`)
  })
  // Rejects when it is no longer listened to.
  ended.catch(() => {})
  const [reply] = (await Promise.race([once(child, 'message', { signal }), ended])) as [GroupReply]
  heard.abort()
  return reply
}

async function ask(child: ChildProcess, request: GroupRequest): Promise<GroupReply> {
  const reply = next(child)
  child.send(request)
  return reply
}

function portOf({ port }: GroupReply): number {
  if (port === undefined) throw new Error('a group did not say where it listens')
  return port
}
