import { loadBackend } from '@kaitian/comm-native'
import { readdirSync, readlinkSync } from 'node:fs'
import { deepStrictEqual } from 'node:assert'

/** What a process has open: threads, sockets and shared memory. */
export type Holdings = Record<'threads' | 'sockets' | 'memory', number>

/** The process whose threads end. */
export class Host {
  readonly #backend = loadBackend('native')

  /** A collective in this thread gives what it should. */
  async works(): Promise<void> {
    const members = ['cpu:0', 'cpu:1']
    const communicator = this.#backend.createCommunicator({
      generation: 1,
      members,
      deadlineMs: 60_000,
      patienceMs: 0,
    })
    const ranks = members.map((_, rank) =>
      this.#backend.joinCommunicator(communicator.ticket, rank),
    )
    const data = members.map((_, rank) => Float32Array.of(rank + 1, 1))
    await Promise.all(ranks.map((rank, i) => rank.allreduce({ send: data[i] })))
    deepStrictEqual(data, [Float32Array.of(3, 2), Float32Array.of(3, 2)])
    await communicator.dispose()
  }

  holds(): Holdings {
    if (process.platform !== 'linux') return { threads: 0, sockets: 0, memory: 0 }
    const open = readdirSync('/proc/self/fd').map(target)
    return {
      threads: readdirSync('/proc/self/task').length,
      sockets: open.filter((name) => name.startsWith('socket:')).length,
      memory: open.filter((name) => name.startsWith('/memfd:kaitian')).length,
    }
  }

  /** Waits for what ends a moment later; the time limit of who started this process ends it. */
  async holdsNoMoreThan(before: Holdings): Promise<void> {
    const more = (): string[] =>
      Object.entries(this.holds())
        .filter(([name, count]) => count > before[name as keyof Holdings])
        .map(([name, count]) => `${count} ${name}`)
    let last = ''
    while (more().length > 0) {
      if (more().join() !== last) console.log(`still holds ${(last = more().join())}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

/** What a descriptor leads to; of the listing's own, which is closed again, nothing. */
function target(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return ''
  }
}
