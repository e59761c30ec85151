import { gemm, rows, transposed } from './gemm.js'
import { addBias, addBiasGradient, type Layer, type Parameter } from './layer.js'

/** output = input · kernel + bias, kernel [in, units]. */
export class Dense implements Layer {
  readonly shape: readonly number[]
  readonly #features: number
  readonly #kernel: Parameter
  readonly #bias: Parameter | undefined
  #input: Float64Array = new Float64Array(0)

  constructor(features: number, units: number, kernel: Parameter, bias: Parameter | undefined) {
    this.shape = [units]
    this.#features = features
    this.#kernel = kernel
    this.#bias = bias
  }

  forward(input: Float64Array, samples: number): Float64Array {
    this.#input = input
    const [units] = this.shape
    const output = new Float64Array(samples * units)
    const kernel = rows(this.#kernel.values, units)
    gemm(samples, units, this.#features, rows(input, this.#features), kernel, rows(output, units))
    if (this.#bias !== undefined) addBias(output, this.#bias.values)
    return output
  }

  backward(outputGradient: Float64Array): Float64Array {
    const [units] = this.shape
    const features = this.#features
    const samples = outputGradient.length / units
    const inputGradient = new Float64Array(this.#input.length)
    const gradient = rows(outputGradient, units)
    const input = transposed(rows(this.#input, features))
    gemm(features, units, samples, input, gradient, rows(this.#kernel.gradient, units))
    const kernel = transposed(rows(this.#kernel.values, units))
    gemm(samples, features, units, gradient, kernel, rows(inputGradient, features))
    if (this.#bias !== undefined) addBiasGradient(this.#bias.gradient, outputGradient)
    return inputGradient
  }
}
