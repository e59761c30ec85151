import { spawn, type ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { ownFile } from '@kaitian/errors'
import { deferred } from '../deferred.js'
import type { SiteData } from '../site/wire.js'
import type { Hall } from '../transport/hall.js'
import { socketPort } from '../transport/socket-port.js'
import type { Port } from '../transport/port.js'
import { Vessel } from './vessel.js'

/** Where the child finds its end of the socket pair. */
export const parentFd = 3

/** Set to `stderr` where stdout is kept for somebody else; threads and processes inherit it. */
const stdoutVariable = 'KAITIAN_STDOUT'

/**
 * One child process. It talks over a pair of Unix sockets, which has no name that others could
 * connect to and which closes when either side dies: a child never outlives its parent, see
 * orphan-watch.ts.
 */
export class Process extends Vessel {
  readonly placement = 'process'
  readonly port: Port
  readonly #child: ChildProcess
  readonly #socket: Socket

  constructor(data: SiteData, hall: Hall) {
    super('process', data.path)
    const main = fileURLToPath(ownFile('./host/process-main.js', import.meta.url))
    this.#child = spawn(process.execPath, [...inheritedOptions(), main], {
      stdio: [
        'ignore',
        process.env[stdoutVariable] === 'stderr' ? 2 : 'inherit',
        'inherit',
        'pipe',
      ],
    })
    this.#child.on('error', (error) => this.refuse(error))
    // Without file descriptors Node.js makes no streams, and tells of it only later.
    this.#socket = (this.#child.stdio?.[parentFd] as Socket | undefined) ?? new Socket().destroy()
    this.port = socketPort(this.#socket)
    void this.#attend(() => hall.clear(data.site))
    try {
      const processData: ProcessData = {
        ...data,
        hall: hall.folder,
        parentPid: process.pid,
      }
      this.port.post(processData)
    } catch (error) {
      // The arguments cannot cross. It is there, and is waited for until it is not.
      this.refuse(error)
      this.terminate()
    }
  }

  /** Its memory is not ours; but it can be killed, whatever it does. */
  abort(): boolean {
    return false
  }

  terminate(): void {
    this.#child.kill('SIGKILL')
  }

  abandon(): void {
    this.#child.unref()
    this.#socket.unref()
  }

  async #attend(clear: () => void): Promise<void> {
    const closed = deferred<void>()
    const exited = deferred<number | string>()
    this.#socket.once('close', () => closed.resolve())
    this.#child.once('exit', (code, signal) => exited.resolve(code ?? signal ?? 'unknown'))
    // It was never there, and no exit will be told.
    if (this.#child.pid === undefined) exited.resolve('not started')
    const code = await exited.promise
    await closed.promise
    clear()
    this.exit(code)
  }
}

/** What a new process is told first. */
export type ProcessData = SiteData & { hall: string; parentPid: number }

/** A debugger's port can be taken by one process only. */
function inheritedOptions(): string[] {
  return process.execArgv.filter((option) => !option.startsWith('--inspect'))
}
