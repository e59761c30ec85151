import { createSharedRegion, openSharedRegion } from '@kaitian/comm-native'
import type { SharedRegion, SharedRegionAddress } from '@kaitian/comm-native'
import { openSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'

/** What a test asks of another process, or of a thread, that shares a region with it. */
export type Command =
  | { do: 'create'; byteLength: number }
  | { do: 'open'; address: SharedRegionAddress }
  /** Threads only: a buffer does not cross processes. */
  | { do: 'hold'; buffer: SharedArrayBuffer }
  | { do: 'give' }
  | { do: 'store'; index: number; value: number }
  | { do: 'load'; index: number }
  | { do: 'add'; index: number; times: number }
  | { do: 'close' }
  /** The number of a descriptor that is no shared memory. */
  | { do: 'openFile'; path: string }

export type Reply = { value: unknown } | { code: string | undefined; message: string }

/** The program of that process or thread. */
class Sharer {
  #region: SharedRegion | undefined
  #words = new Int32Array(new SharedArrayBuffer(4))

  run(command: Command): unknown {
    switch (command.do) {
      case 'create':
        return this.#take(createSharedRegion(command.byteLength))
      case 'open':
        return this.#take(openSharedRegion(command.address))
      case 'hold':
        this.#words = new Int32Array(command.buffer)
        return undefined
      case 'give':
        return this.#region?.buffer
      case 'store':
        return Atomics.store(this.#words, command.index, command.value)
      case 'load':
        return Atomics.load(this.#words, command.index)
      case 'add':
        for (let time = 0; time < command.times; time++) Atomics.add(this.#words, command.index, 1)
        return undefined
      case 'close':
        return this.#region?.close()
      case 'openFile':
        return openSync(command.path, 'r+')
    }
  }

  #take(region: SharedRegion): SharedRegionAddress {
    this.#region = region
    this.#words = new Int32Array(region.buffer)
    return region.address
  }
}

const sharer = new Sharer()

function answer(command: Command): Reply {
  try {
    // Messages between processes drop what is undefined.
    return { value: sharer.run(command) ?? null }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return { code, message }
  }
}

parentPort?.on('message', (command: Command) => parentPort?.postMessage(answer(command)))
process.on('message', (command: Command) => process.send?.(answer(command)))
