import { addBias, addBiasGradient, type Layer, type Parameter } from './layer.js'
import { visitOutputs, visitTaps, type Window } from './window.js'

/** One filter a channel. Kernel [k, k, channels]. */
export class DepthwiseConv2d implements Layer {
  readonly shape: readonly number[]
  readonly #window: Window
  readonly #kernel: Parameter
  readonly #bias: Parameter | undefined
  #input: Float64Array = new Float64Array(0)

  constructor(window: Window, kernel: Parameter, bias: Parameter | undefined) {
    this.shape = [window.outHeight, window.outWidth, window.channels]
    this.#window = window
    this.#kernel = kernel
    this.#bias = bias
  }

  forward(input: Float64Array, samples: number): Float64Array {
    this.#input = input
    const { channels } = this.#window
    const kernel = this.#kernel.values
    const output = new Float64Array(samples * this.#outputSize)
    this.#visit(samples, (from, to, tap) => {
      for (let channel = 0; channel < channels; channel++) {
        output[to + channel] += input[from + channel] * kernel[tap + channel]
      }
    })
    if (this.#bias !== undefined) addBias(output, this.#bias.values)
    return output
  }

  backward(outputGradient: Float64Array): Float64Array {
    const { channels } = this.#window
    const input = this.#input
    const { values: kernel, gradient: kernelGradient } = this.#kernel
    const inputGradient = new Float64Array(input.length)
    this.#visit(outputGradient.length / this.#outputSize, (from, to, tap) => {
      for (let channel = 0; channel < channels; channel++) {
        const gradient = outputGradient[to + channel]
        inputGradient[from + channel] += gradient * kernel[tap + channel]
        kernelGradient[tap + channel] += gradient * input[from + channel]
      }
    })
    if (this.#bias !== undefined) addBiasGradient(this.#bias.gradient, outputGradient)
    return inputGradient
  }

  get #outputSize(): number {
    return this.#window.outHeight * this.#window.outWidth * this.#window.channels
  }

  /** Offsets of the first channel in input, output and kernel, for every pair that meets. */
  #visit(samples: number, visit: (from: number, to: number, tap: number) => void): void {
    const window = this.#window
    const { channels } = window
    const inputSize = window.height * window.width * channels
    for (let sample = 0; sample < samples; sample++) {
      visitOutputs(window, (y, x, position) => {
        const to = sample * this.#outputSize + position * channels
        visitTaps(window, y, x, (at, tap) => visit(sample * inputSize + at, to, tap * channels))
      })
    }
  }
}
