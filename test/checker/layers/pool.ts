import { sizeOf, type Layer } from './layer.js'
import { visitOutputs, visitTaps, type Window } from './window.js'

/** The largest value under the window; the first one in row order when several are. */
export class MaxPool implements Layer {
  readonly shape: readonly number[]
  readonly #window: Window
  #winners = new Int32Array(0)
  #inputLength = 0

  constructor(window: Window) {
    this.#window = window
    this.shape = [window.outHeight, window.outWidth, window.channels]
  }

  forward(input: Float64Array, samples: number): Float64Array {
    const { channels } = this.#window
    const output = new Float64Array(samples * sizeOf(this.shape)).fill(-Infinity)
    const winners = new Int32Array(output.length)
    visitPool(this.#window, samples, (from, to) => {
      for (let channel = 0; channel < channels; channel++) {
        const value = input[from + channel]
        if (value <= output[to + channel]) continue
        output[to + channel] = value
        winners[to + channel] = from + channel
      }
    })
    this.#winners = winners
    this.#inputLength = input.length
    return output
  }

  backward(outputGradient: Float64Array): Float64Array {
    const inputGradient = new Float64Array(this.#inputLength)
    for (let at = 0; at < outputGradient.length; at++) {
      inputGradient[this.#winners[at]] += outputGradient[at]
    }
    return inputGradient
  }
}

/** The mean of what the window sees of the image: padding is not counted. */
export class AveragePool implements Layer {
  readonly shape: readonly number[]
  readonly #window: Window
  #samples = 0

  constructor(window: Window) {
    this.#window = window
    this.shape = [window.outHeight, window.outWidth, window.channels]
  }

  forward(input: Float64Array, samples: number): Float64Array {
    this.#samples = samples
    const { channels } = this.#window
    const output = new Float64Array(samples * sizeOf(this.shape))
    visitPool(this.#window, samples, (from, to, share) => {
      for (let channel = 0; channel < channels; channel++) {
        output[to + channel] += input[from + channel] * share
      }
    })
    return output
  }

  backward(outputGradient: Float64Array): Float64Array {
    const { height, width, channels } = this.#window
    const inputGradient = new Float64Array(this.#samples * height * width * channels)
    visitPool(this.#window, this.#samples, (from, to, share) => {
      for (let channel = 0; channel < channels; channel++) {
        inputGradient[from + channel] += outputGradient[to + channel] * share
      }
    })
    return inputGradient
  }
}

/** The mean over all positions: [height, width, channels] becomes [channels]. */
export class GlobalAveragePool implements Layer {
  readonly shape: readonly number[]
  readonly #positions: number
  #samples = 0

  constructor([height, width, channels]: readonly number[]) {
    this.shape = [channels]
    this.#positions = height * width
  }

  forward(input: Float64Array, samples: number): Float64Array {
    this.#samples = samples
    const [channels] = this.shape
    const output = new Float64Array(samples * channels)
    this.#visit((from, to) => {
      for (let channel = 0; channel < channels; channel++) {
        output[to + channel] += input[from + channel] / this.#positions
      }
    })
    return output
  }

  backward(outputGradient: Float64Array): Float64Array {
    const [channels] = this.shape
    const inputGradient = new Float64Array(this.#samples * this.#positions * channels)
    this.#visit((from, to) => {
      for (let channel = 0; channel < channels; channel++) {
        inputGradient[from + channel] = outputGradient[to + channel] / this.#positions
      }
    })
    return inputGradient
  }

  #visit(visit: (from: number, to: number) => void): void {
    const [channels] = this.shape
    for (let row = 0; row < this.#samples * this.#positions; row++) {
      visit(row * channels, Math.floor(row / this.#positions) * channels)
    }
  }
}

/** `share` is 1 ÷ positions of the image under the window. */
function visitPool(
  window: Window,
  samples: number,
  visit: (from: number, to: number, share: number) => void,
): void {
  const inputSize = window.height * window.width * window.channels
  const outputSize = window.outHeight * window.outWidth * window.channels
  visitOutputs(window, (y, x, position) => {
    let seen = 0
    visitTaps(window, y, x, () => seen++)
    for (let sample = 0; sample < samples; sample++) {
      const to = sample * outputSize + position * window.channels
      visitTaps(window, y, x, (at) => visit(sample * inputSize + at, to, 1 / seen))
    }
  })
}
