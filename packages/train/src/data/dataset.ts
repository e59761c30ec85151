/**
 * Labelled images in memory that every thread of the process sees: the arrays
 * lie over SharedArrayBuffers, so sending `Samples` to a worker copies nothing.
 * All fields are plain data.
 */
export interface Samples {
  readonly count: number
  /** [height, width, channels] of one sample. */
  readonly shape: readonly number[]
  /** u8 [count, height, width, channels], row-major. */
  readonly pixels: Uint8Array
  /** Class of each sample, [count]. */
  readonly labels: Uint8Array
  /**
   * Mean and standard deviation of each channel, of pixels scaled to [0, 1].
   * Those of the training set, in the test set too: a model must see both alike.
   */
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
}

export interface DataSet {
  readonly name: string
  /** Labels are 0 … classes − 1. */
  readonly classes: number
  readonly train: Samples
  readonly test: Samples
}

/** Room for `count` samples, all zero; filled in place, then given statistics by `dataSetOf`. */
export interface RawSamples {
  readonly count: number
  readonly shape: readonly number[]
  readonly pixels: Uint8Array
  readonly labels: Uint8Array
}

export function allocateSamples(count: number, shape: readonly number[]): RawSamples {
  const pixels = new Uint8Array(new SharedArrayBuffer(count * elementsOf(shape)))
  const labels = new Uint8Array(new SharedArrayBuffer(count))
  return { count, shape, pixels, labels }
}

/** Completes both halves with the training half's channel statistics. */
export function dataSetOf(
  name: string,
  classes: number,
  train: RawSamples,
  test: RawSamples,
): DataSet {
  const statistics = channelStatistics(train.pixels, train.shape.at(-1) ?? 1)
  return { name, classes, train: { ...train, ...statistics }, test: { ...test, ...statistics } }
}

/** Values of one sample. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** A channel that never changes would divide by zero; one grey level is the finest it could differ by. */
const SMALLEST_DEVIATION = 1 / 255

/** Sums are integers below 2^53 (up to 10^11 pixels), so the order of adding cannot change a bit. */
function channelStatistics(
  pixels: Uint8Array,
  channels: number,
): { mean: number[]; deviation: number[] } {
  const sums = Array.from({ length: channels }, () => 0)
  const squares = Array.from({ length: channels }, () => 0)
  for (let at = 0; at < pixels.length; at += channels) {
    for (let channel = 0; channel < channels; channel++) {
      const value = pixels[at + channel]
      sums[channel] += value
      squares[channel] += value * value
    }
  }
  const perChannel = Math.max(1, pixels.length / channels)
  const mean = sums.map((sum) => sum / perChannel / 255)
  const deviation = squares.map((square, channel) => {
    const variance = square / perChannel - (sums[channel] / perChannel) ** 2
    return Math.max(SMALLEST_DEVIATION, Math.sqrt(Math.max(0, variance)) / 255)
  })
  return { mean, deviation }
}
