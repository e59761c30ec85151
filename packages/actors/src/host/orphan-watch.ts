import { Worker } from 'node:worker_threads'

export interface OrphanWatch {
  parentPid: number
  /** Taken away with the process, if it is its parent's. */
  folder: string | undefined
}

/**
 * In a thread of its own, since the process's may be in a loop or in native code. A script, and no
 * module: to load one would cost more than the thread. Nothing tells a process that its parent has
 * died; it then has another.
 */
const script = `
const { workerData } = require('node:worker_threads')
const { parentPid, folder } = workerData
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
while (process.ppid === parentPid) sleep(100)
// The process's own thread hears of it too, and may end it in good order.
sleep(400)
if (folder !== undefined) require('node:fs').rmSync(folder, { recursive: true, force: true })
process.kill(process.pid, 'SIGKILL')
`

/** Ends this process soon after its parent has ended, whatever it does. */
export function watchParent(workerData: OrphanWatch): void {
  const watch = new Worker(script, { eval: true, workerData, execArgv: [], env: {} })
  // Without it, a process that hangs outlives its parent; another ends by itself.
  watch.on('error', () => undefined)
  watch.unref()
}
