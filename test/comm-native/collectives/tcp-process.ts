import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Peer } from '@kaitian/train/bridge'
import type { GroupAnswer, GroupReply, GroupRequest } from './tcp-group.js'

/** A process that was told to end and is still there after this is ended. */
const END_MS = 240_000

interface Waiting {
  resolve(answer: GroupAnswer): void
  reject(error: Error): void
}

/** The process of a group, as seen from the test's. */
export class GroupProcess {
  /** Where it listens. */
  readonly listens: Promise<Peer>
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #gone: Promise<unknown>
  readonly #kill = (): void => void this.#child.kill('SIGKILL')
  #ended: Error | undefined
  #next = 0

  constructor(group: number, groups: readonly number[], env: NodeJS.ProcessEnv) {
    this.#child = fork(
      fileURLToPath(new URL('./tcp-group.js', import.meta.url)),
      [String(group), groups.join(',')],
      { env: { ...process.env, ...env }, execArgv: [], serialization: 'advanced' },
    )
    // A stopped one would not see that this process has ended.
    process.once('exit', this.#kill)
    this.#gone = once(this.#child, 'exit').then(([code, signal]) =>
      this.#end(String(code ?? signal)),
    )
    this.listens = new Promise((resolve, reject) => {
      void this.#gone.then(() => reject(this.#ended!))
      this.#child.on('message', (reply: GroupReply) => {
        if ('listens' in reply) resolve(reply.listens)
        else this.#hear(reply)
      })
    })
    // Who opens a cluster hears of it; afterwards nobody waits for it any more.
    this.listens.catch(() => {})
  }

  /** Rejects when the process is gone. */
  ask(request: GroupRequest): Promise<GroupAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended)
      const id = this.#next++
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, request })
    })
  }

  stop(): void {
    this.#child.kill('SIGSTOP')
  }

  goOn(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#kill()
    await this.#gone
  }

  /** The process ends by itself. @throws when it did not, and had to be killed */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return
    this.goOn()
    if (this.#child.connected) this.#child.disconnect()
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#kill()
    }, END_MS)
    await this.#gone
    clearTimeout(timer)
    if (late) throw new Error(`the process of a group did not end within ${END_MS} ms`)
  }

  #hear(reply: Exclude<GroupReply, { listens: Peer }>): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (reply.error === undefined) waiting?.resolve(reply.answer ?? {})
    else waiting?.reject(new Error(reply.error))
  }

  #end(how: string): void {
    process.off('exit', this.#kill)
    this.#ended = new Error(`the process of a group has ended with ${how}`)
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended)
    this.#waiting.clear()
  }
}
