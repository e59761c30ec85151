import { gemm, rows, transposed } from './gemm.js'
import { addBias, addBiasGradient, type Layer, type Parameter } from './layer.js'
import { visitOutputs, visitTaps, type Window } from './window.js'

/**
 * Cross-correlation as a matrix product over unfolded patches, one sample at a
 * time so that the patches stay small. Kernel [k, k, in, filters].
 */
export class Conv2d implements Layer {
  readonly shape: readonly number[]
  readonly #window: Window
  readonly #filters: number
  readonly #kernel: Parameter
  readonly #bias: Parameter | undefined
  readonly #patches: Float64Array
  #input: Float64Array = new Float64Array(0)

  constructor(window: Window, filters: number, kernel: Parameter, bias: Parameter | undefined) {
    this.shape = [window.outHeight, window.outWidth, filters]
    this.#window = window
    this.#filters = filters
    this.#kernel = kernel
    this.#bias = bias
    this.#patches = new Float64Array(this.#positions * this.#depth)
  }

  get #positions(): number {
    return this.#window.outHeight * this.#window.outWidth
  }

  get #depth(): number {
    return this.#window.size * this.#window.size * this.#window.channels
  }

  get #sampleSize(): number {
    return this.#window.height * this.#window.width * this.#window.channels
  }

  forward(input: Float64Array, samples: number): Float64Array {
    this.#input = input
    const [positions, depth, filters] = [this.#positions, this.#depth, this.#filters]
    const output = new Float64Array(samples * positions * filters)
    const kernel = rows(this.#kernel.values, filters)
    for (let sample = 0; sample < samples; sample++) {
      this.#unfold(input, sample * this.#sampleSize)
      const into = rows(output, filters, sample * positions * filters)
      gemm(positions, filters, depth, rows(this.#patches, depth), kernel, into)
    }
    if (this.#bias !== undefined) addBias(output, this.#bias.values)
    return output
  }

  backward(outputGradient: Float64Array): Float64Array {
    const [positions, depth, filters] = [this.#positions, this.#depth, this.#filters]
    const inputGradient = new Float64Array(this.#input.length)
    const kernel = rows(this.#kernel.values, filters)
    const kernelGradient = rows(this.#kernel.gradient, filters)
    const patches = rows(this.#patches, depth)
    for (let sample = 0; sample * this.#sampleSize < this.#input.length; sample++) {
      const gradient = rows(outputGradient, filters, sample * positions * filters)
      this.#unfold(this.#input, sample * this.#sampleSize)
      gemm(depth, filters, positions, transposed(patches), gradient, kernelGradient)
      this.#patches.fill(0)
      gemm(positions, depth, filters, gradient, transposed(kernel), patches)
      this.#fold(inputGradient, sample * this.#sampleSize)
    }
    if (this.#bias !== undefined) addBiasGradient(this.#bias.gradient, outputGradient)
    return inputGradient
  }

  /** patches[position] = what the window sees there; zeros outside the image. */
  #unfold(input: Float64Array, offset: number): void {
    const patches = this.#patches.fill(0)
    const { channels } = this.#window
    this.#visit((at, patch) => {
      for (let channel = 0; channel < channels; channel++) {
        patches[patch + channel] = input[offset + at + channel]
      }
    })
  }

  /** The other way round: what fell on the same pixel is added up. */
  #fold(into: Float64Array, offset: number): void {
    const patches = this.#patches
    const { channels } = this.#window
    this.#visit((at, patch) => {
      for (let channel = 0; channel < channels; channel++) {
        into[offset + at + channel] += patches[patch + channel]
      }
    })
  }

  #visit(visit: (at: number, patch: number) => void): void {
    const depth = this.#depth
    const { channels } = this.#window
    visitOutputs(this.#window, (y, x, position) =>
      visitTaps(this.#window, y, x, (at, tap) => visit(at, position * depth + tap * channels)),
    )
  }
}
