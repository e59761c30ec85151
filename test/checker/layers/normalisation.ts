import { sizeOf, type Layer, type Parameter } from './layer.js'

/** Values that share a mean and a variance: rows × channels, a row being one position of one sample. */
interface Pool {
  readonly firstRow: number
  readonly endRow: number
  readonly firstChannel: number
  readonly endChannel: number
}

export interface Scaling {
  readonly scale: Parameter
  readonly offset: Parameter
  readonly epsilon: number
}

/**
 * What group norm and batch norm have in common:
 * output = scale · (x − mean) ÷ √(variance + epsilon) + offset, per channel.
 */
abstract class Normalisation implements Layer {
  readonly shape: readonly number[]
  protected readonly channels: number
  protected readonly positions: number
  readonly #scaling: Scaling
  #normalised = new Float64Array(0)
  #inverseDeviations = new Float64Array(0)

  constructor(shape: readonly number[], scaling: Scaling) {
    this.shape = shape
    this.channels = shape[shape.length - 1]
    this.positions = sizeOf(shape) / this.channels
    this.#scaling = scaling
  }

  protected abstract pools(samples: number): readonly Pool[]
  protected abstract measured(pool: Pool, mean: number, variance: number, samples: number): void

  forward(input: Float64Array, samples: number): Float64Array {
    const pools = this.pools(samples)
    const output = new Float64Array(input.length)
    this.#normalised = new Float64Array(input.length)
    this.#inverseDeviations = new Float64Array(pools.length)
    for (const [index, pool] of pools.entries()) {
      const { mean, variance } = this.#moments(input, pool)
      const inverse = 1 / Math.sqrt(variance + this.#scaling.epsilon)
      this.#inverseDeviations[index] = inverse
      this.#apply(input, output, pool, mean, inverse)
      this.measured(pool, mean, variance, samples)
    }
    return output
  }

  backward(outputGradient: Float64Array): Float64Array {
    const samples = outputGradient.length / (this.channels * this.positions)
    const inputGradient = new Float64Array(outputGradient.length)
    for (const [index, pool] of this.pools(samples).entries()) {
      this.#backwardPool(outputGradient, inputGradient, pool, this.#inverseDeviations[index])
    }
    return inputGradient
  }

  #apply(
    input: Float64Array,
    output: Float64Array,
    pool: Pool,
    mean: number,
    inverse: number,
  ): void {
    const { scale, offset } = this.#scaling
    for (let row = pool.firstRow; row < pool.endRow; row++) {
      for (let channel = pool.firstChannel; channel < pool.endChannel; channel++) {
        const at = row * this.channels + channel
        const normalised = (input[at] - mean) * inverse
        this.#normalised[at] = normalised
        output[at] = normalised * scale.values[channel] + offset.values[channel]
      }
    }
  }

  /** Two passes: the variance of squares minus squares cancels. */
  #moments(input: Float64Array, pool: Pool): { mean: number; variance: number } {
    const { channels } = this
    let sum = 0
    for (let row = pool.firstRow; row < pool.endRow; row++) {
      for (let channel = pool.firstChannel; channel < pool.endChannel; channel++) {
        sum += input[row * channels + channel]
      }
    }
    const mean = sum / valuesIn(pool)
    let squares = 0
    for (let row = pool.firstRow; row < pool.endRow; row++) {
      for (let channel = pool.firstChannel; channel < pool.endChannel; channel++) {
        const distance = input[row * channels + channel] - mean
        squares += distance * distance
      }
    }
    return { mean, variance: squares / valuesIn(pool) }
  }

  /** dx = inverse · (dn − mean(dn) − n · mean(dn · n)), with n normalised and dn its gradient. */
  #backwardPool(
    outputGradient: Float64Array,
    inputGradient: Float64Array,
    pool: Pool,
    inverse: number,
  ): void {
    const { channels } = this
    const { scale, offset } = this.#scaling
    const normalised = this.#normalised
    let sum = 0
    let projection = 0
    for (let row = pool.firstRow; row < pool.endRow; row++) {
      for (let channel = pool.firstChannel; channel < pool.endChannel; channel++) {
        const at = row * channels + channel
        const gradient = outputGradient[at]
        offset.gradient[channel] += gradient
        scale.gradient[channel] += gradient * normalised[at]
        sum += gradient * scale.values[channel]
        projection += gradient * scale.values[channel] * normalised[at]
      }
    }
    const mean = sum / valuesIn(pool)
    const slope = projection / valuesIn(pool)
    for (let row = pool.firstRow; row < pool.endRow; row++) {
      for (let channel = pool.firstChannel; channel < pool.endChannel; channel++) {
        const at = row * channels + channel
        const gradient = outputGradient[at] * scale.values[channel]
        inputGradient[at] = inverse * (gradient - mean - normalised[at] * slope)
      }
    }
  }
}

function valuesIn(pool: Pool): number {
  return (pool.endRow - pool.firstRow) * (pool.endChannel - pool.firstChannel)
}

/** Mean and variance of a sample's group of consecutive channels (arXiv 1803.08494). */
export class GroupNorm extends Normalisation {
  readonly #groups: number

  constructor(shape: readonly number[], groups: number, scaling: Scaling) {
    super(shape, scaling)
    this.#groups = groups
  }

  protected override pools(samples: number): readonly Pool[] {
    const width = this.channels / this.#groups
    const pools: Pool[] = []
    for (let sample = 0; sample < samples; sample++) {
      const firstRow = sample * this.positions
      for (let firstChannel = 0; firstChannel < this.channels; firstChannel += width) {
        const endChannel = firstChannel + width
        pools.push({ firstRow, endRow: firstRow + this.positions, firstChannel, endChannel })
      }
    }
    return pools
  }

  protected override measured(): void {}
}

/** Mean and variance of a channel over the shard (arXiv 1502.03167, per shard as in 1705.08741). */
export class BatchNorm extends Normalisation {
  readonly #means: Parameter
  readonly #variances: Parameter

  constructor(
    shape: readonly number[],
    scaling: Scaling,
    statistics: { means: Parameter; variances: Parameter },
  ) {
    super(shape, scaling)
    this.#means = statistics.means
    this.#variances = statistics.variances
  }

  protected override pools(samples: number): readonly Pool[] {
    return Array.from({ length: this.channels }, (_, channel) => ({
      firstRow: 0,
      endRow: samples * this.positions,
      firstChannel: channel,
      endChannel: channel + 1,
    }))
  }

  /** A statistic's "gradient" is its sum over samples. */
  protected override measured(pool: Pool, mean: number, variance: number, samples: number): void {
    this.#means.gradient[pool.firstChannel] += mean * samples
    this.#variances.gradient[pool.firstChannel] += variance * samples
  }
}
