import { seededRandom } from '@kaitian/actors'
import type { Samples } from '@kaitian/train/data'

export interface LinearSettings {
  /** Images are averaged over squares of this side first, which is a smoothness prior. */
  readonly pool: number
  /** L2 penalty on the weights. */
  readonly decay: number
  readonly epochs: number
}

const MINIBATCH = 50

/** Linear softmax classifier on standardised pixels: SGD with a falling rate and implicit decay. */
export class SoftmaxRegression {
  readonly #settings: LinearSettings
  readonly #classes: number
  #weights = new Float64Array(0)

  constructor(classes: number, settings: LinearSettings) {
    this.#classes = classes
    this.#settings = settings
  }

  fit(samples: Samples): void {
    const inputs = features(samples, this.#settings.pool)
    const size = inputs.length / samples.count
    const { epochs, decay } = this.#settings
    const random = seededRandom('softmax-regression')
    this.#weights = new Float64Array(size * this.#classes)
    // Below the inverse curvature: features have variance 1 or less, softmax curves by ¼ at most.
    const fastest = 12 / size
    for (let epoch = 0; epoch < epochs; epoch++) {
      const rate = fastest * (1 - epoch / epochs)
      for (let done = 0; done < samples.count; done += MINIBATCH) {
        const batch = Array.from({ length: MINIBATCH }, () => random.integer(samples.count))
        this.#step(inputs, samples.labels, batch, rate, decay)
      }
    }
  }

  accuracy(samples: Samples): number {
    const inputs = features(samples, this.#settings.pool)
    const size = inputs.length / samples.count
    let correct = 0
    for (let i = 0; i < samples.count; i++) {
      const scores = this.#scores(inputs.subarray(i * size, (i + 1) * size))
      correct += Number(scores.indexOf(Math.max(...scores)) === samples.labels[i])
    }
    return correct / samples.count
  }

  #step(
    inputs: Float32Array,
    labels: Uint8Array,
    batch: readonly number[],
    rate: number,
    decay: number,
  ): void {
    const classes = this.#classes
    const weights = this.#weights
    const size = weights.length / classes
    const errors = batch.map((i) => {
      const error = softmax(this.#scores(inputs.subarray(i * size, (i + 1) * size)))
      error[labels[i]] -= 1
      return error
    })
    const shrink = 1 / (1 + rate * decay)
    for (let at = 0; at < weights.length; at++) weights[at] *= shrink
    const scale = (rate * shrink) / batch.length
    batch.forEach((i, b) => {
      const error = errors[b]
      for (let f = 0, at = 0; f < size; f++) {
        const x = inputs[i * size + f] * scale
        for (let c = 0; c < classes; c++, at++) weights[at] -= x * error[c]
      }
    })
  }

  #scores(input: Float32Array): Float64Array {
    const classes = this.#classes
    const scores = new Float64Array(classes)
    const weights = this.#weights
    for (let f = 0, at = 0; f < input.length; f++) {
      const x = input[f]
      for (let c = 0; c < classes; c++, at++) scores[c] += x * weights[at]
    }
    return scores
  }
}

function softmax(scores: Float64Array): Float64Array {
  const largest = Math.max(...scores)
  const powers = scores.map((score) => Math.exp(score - largest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

/** f32 [count, (h/pool)·(w/pool)·c + 1]; the last feature is the constant 1. */
function features(samples: Samples, pool: number): Float32Array {
  const [height, width, channels] = samples.shape
  const across = width / pool
  const size = (height / pool) * across * channels + 1
  const out = new Float32Array(samples.count * size)
  samples.pixels.forEach((byte, at) => {
    const channel = at % channels
    const pixel = (at - channel) / channels
    const x = pixel % width
    const y = Math.floor(pixel / width) % height
    const image = Math.floor(pixel / (width * height))
    const cell = Math.floor(y / pool) * across + Math.floor(x / pool)
    const value = (byte / 255 - samples.mean[channel]) / samples.deviation[channel]
    out[image * size + cell * channels + channel] += value / (pool * pool)
  })
  for (let image = 0; image < samples.count; image++) out[(image + 1) * size - 1] = 1
  return out
}
