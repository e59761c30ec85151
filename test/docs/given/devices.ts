import { ask, nothing, protocol } from '@kaitian/actors'
import { testSystem } from '@kaitian/actors/testing'

const DeviceProtocol = protocol({ ordinal: ask<number>(nothing) })

export class Device {
  static readonly protocol = DeviceProtocol
  readonly #ordinal: number
  constructor({ ordinal }: { ordinal: number }) {
    this.#ordinal = ordinal
  }
  ordinal(): number {
    return this.#ordinal
  }
}

export const deviceModule = new URL(import.meta.url)
/** With simulated threads, which do not keep a snippet that leaves them alone from its end. */
export const system = testSystem({ seed: 1 })
