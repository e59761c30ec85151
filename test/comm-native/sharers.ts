import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Command, Reply } from './sharer.js'

const program = new URL('./sharer.js', import.meta.url)

function valueOf(reply: Reply): unknown {
  if ('value' in reply) return reply.value
  throw Object.assign(new Error(reply.message), { code: reply.code })
}

/** Another process, driven by the test one command at a time. */
export class ProcessSharer {
  readonly #child = fork(fileURLToPath(program))

  async call(command: Command): Promise<unknown> {
    this.#child.send(command)
    const [reply] = (await once(this.#child, 'message')) as [Reply]
    return valueOf(reply)
  }

  async kill(): Promise<void> {
    if (this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}

/** Another thread of this process. */
export class ThreadSharer {
  readonly #worker = new Worker(program)

  async call(command: Command): Promise<unknown> {
    this.#worker.postMessage(command)
    const [reply] = (await once(this.#worker, 'message')) as [Reply]
    return valueOf(reply)
  }

  async kill(): Promise<void> {
    await this.#worker.terminate()
  }
}
