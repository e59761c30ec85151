import type { DeviceView } from '../device/protocol.js'

/** What the user's thread may ask of a run; carried by the facade. */
export interface TrainApi {
  /** Resolves when the devices are up and the first plan may be made. */
  open(): Promise<void>
  /** Starts the loop; resolves when it has ended, however it did: the event `end` has told that before. */
  run(): Promise<unknown>
  /** Gives the step under way up and ends; `run` then resolves with outcome `stopped`. */
  stop(): void | Promise<void>
  /** Fault injection: ends the device's thread at once. */
  kill(device: string): Promise<void>
  /** Fault injection: the device takes `factor` times as long from now on; 1 restores it. */
  slow(device: string, factor: number): void | Promise<void>
  /** What a device is at, and the digest of its committed state; answered between its turns. */
  inspect(device: string): Promise<DeviceView>
  /** Ends every actor, thread, socket and pool of the run. */
  close(): Promise<void>
}
