import type { DeviceContext, Kernels, Region } from '@kaitian/comm-native'
import type { Layout } from '../model/model.js'
import { digestText, isFinite, newDigest, stateDigest } from '../optimiser/digest.js'

/** What the optimiser needs beside the sums; fixed for a run. */
export interface UpdateRule {
  readonly momentum: number
  readonly weightDecay: number
  /** Momentum of each running statistic, in the order of the layout's statistic tensors. */
  readonly statisticMomenta: readonly number[]
}

/** One buffer of a device's state: f32 weights and statistics, and the weights' velocity. */
export interface StateBuffer {
  readonly state: Float32Array
  readonly velocity: Float32Array
}

/** Where both buffers lie, so that the cluster can record what was committed. */
export interface StateRegions {
  readonly state: readonly [Region, Region]
  readonly velocity: readonly [Region, Region]
}

/**
 * A device's parameters, twice: `current` is committed, `next` is what a
 * commit would make current. The flip is the commit, so an abort costs nothing.
 */
export class DeviceState {
  readonly regions: StateRegions
  readonly #layout: Layout
  readonly #kernels: Kernels
  readonly #rule: UpdateRule
  readonly #buffers: readonly [StateBuffer, StateBuffer]
  #current: 0 | 1 = 0

  constructor(context: DeviceContext, layout: Layout, kernels: Kernels, rule: UpdateRule) {
    const region = (name: string, size: number) => context.allocate(name, size * 4)
    this.regions = {
      state: [region('state.0', layout.stateSize), region('state.1', layout.stateSize)],
      velocity: [region('velocity.0', layout.weightSize), region('velocity.1', layout.weightSize)],
    }
    this.#layout = layout
    this.#kernels = kernels
    this.#rule = rule
    this.#buffers = [bufferOf(this.regions, 0), bufferOf(this.regions, 1)]
  }

  get current(): StateBuffer {
    return this.#buffers[this.#current]
  }

  get currentIndex(): 0 | 1 {
    return this.#current
  }

  /**
   * Divides and optimises into the second buffer; returns its digest, and
   * whether all of it is finite. `sum` holds `stateSize` f32 sums over `count` samples.
   */
  update(
    sum: Float32Array,
    count: number,
    learningRate: number,
  ): { readonly digest: string; readonly finite: boolean } {
    const { weightSize, tensors } = this.#layout
    const [from, to] = [this.current, this.#buffers[1 - this.#current]]
    const digest = newDigest()
    this.#kernels.sgd({
      weights: from.state.subarray(0, weightSize),
      velocity: from.velocity,
      sum: sum.subarray(0, weightSize),
      nextWeights: to.state.subarray(0, weightSize),
      nextVelocity: to.velocity,
      count,
      learningRate,
      momentum: this.#rule.momentum,
      weightDecay: this.#rule.weightDecay,
      digest,
    })
    const statistics = tensors.filter(({ role }) => role === 'statistic')
    for (const [index, { offset, size }] of statistics.entries()) {
      const part = (array: Float32Array) => array.subarray(offset, offset + size)
      const momentum = this.#rule.statisticMomenta[index]
      this.#kernels.runningStatistic(part(to.state), part(from.state), part(sum), count, momentum)
    }
    this.#kernels.digest(digest, to.state.subarray(weightSize), undefined, weightSize)
    return { digest: digestText(digest), finite: isFinite(digest) }
  }

  flip(): void {
    this.#current = this.#current === 0 ? 1 : 0
  }

  digest(): string {
    return stateDigest(this.#kernels, this.current.state, this.current.velocity)
  }
}

/** Every commit flips a device's buffers, so the number of commits says which one is current. */
export function currentBuffer(regions: StateRegions, commits: number): StateBuffer {
  return bufferOf(regions, commits % 2 === 0 ? 0 : 1)
}

export function nextBuffer(regions: StateRegions, commits: number): StateBuffer {
  return currentBuffer(regions, commits + 1)
}

function bufferOf(regions: StateRegions, index: 0 | 1): StateBuffer {
  return { state: floats(regions.state[index]), velocity: floats(regions.velocity[index]) }
}

export function floats(region: Region): Float32Array {
  return new Float32Array(region.buffer, region.byteOffset, region.byteLength / 4)
}

export function integers(region: Region): BigInt64Array {
  return new BigInt64Array(region.buffer, region.byteOffset, region.byteLength / 8)
}
