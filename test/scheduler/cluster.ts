import { seededRandom, type Random } from '@kaitian/actors'
import {
  createController,
  observe,
  plan,
  type ControllerOptions,
  type ControllerState,
  type Plan,
} from '@kaitian/scheduler'

export interface SimDevice {
  name: string
  fixedMs: number
  msPerSample: number
  cap?: number
}

export interface ClusterOptions extends ControllerOptions {
  size?: number
  shardSize?: number
  /** Standard deviation of a time's logarithm. */
  noise?: number
  seed?: number
}

/** A controller with simulated devices around it; tests change `devices` between steps. */
export class Cluster {
  devices: SimDevice[]
  size: number
  state: ControllerState
  readonly shardSize: number
  readonly #noise: number
  readonly #random: Random

  constructor(devices: SimDevice[], options: ClusterOptions = {}) {
    const { size = 256, shardSize = 4, noise = 0, seed = 1, ...controller } = options
    this.devices = devices
    this.size = size
    this.shardSize = shardSize
    this.state = createController(controller)
    this.#noise = noise
    this.#random = seededRandom('cluster', seed)
  }

  /** Plans one step, lets the devices take their time and reports it. */
  step(): Plan {
    const now = this.plan()
    const times = this.devices
      .map((device) => ({
        device: device.name,
        samples: now.quotas[device.name],
        computeMs: trueMs(device, now.quotas[device.name]) * this.#factor(),
      }))
      .filter(({ samples }) => samples > 0)
    this.state = observe(this.state, times)
    return now
  }

  steps(count: number): Plan[] {
    return Array.from({ length: count }, () => this.step())
  }

  plan(): Plan {
    const { state, plan: now } = plan(this.state, {
      size: this.size,
      shardSize: this.shardSize,
      firstShard: 0,
      devices: this.devices.map(({ name, cap }) => ({
        name,
        group: 'sim',
        ...(cap === undefined ? {} : { cap }),
      })),
    })
    this.state = state
    return now
  }

  /** Compute time of the slowest device under a plan, without noise. */
  trueMakespan({ quotas }: Plan): number {
    return Math.max(...this.devices.map((device) => trueMs(device, quotas[device.name])))
  }

  #factor(): number {
    return Math.exp(this.#noise * this.#random.normal())
  }
}

export function trueMs({ fixedMs, msPerSample }: SimDevice, samples: number): number {
  return samples === 0 ? 0 : fixedMs + msPerSample * samples
}
