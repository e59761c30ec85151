import type { Layer } from './layer.js'

/** min(max(x, 0), ceiling); relu has no ceiling. The gradient is 0 at both kinks. */
export class Rectifier implements Layer {
  readonly shape: readonly number[]
  readonly #ceiling: number
  #input: Float64Array = new Float64Array(0)

  constructor(shape: readonly number[], ceiling: number) {
    this.shape = shape
    this.#ceiling = ceiling
  }

  forward(input: Float64Array): Float64Array {
    this.#input = input
    const output = new Float64Array(input.length)
    for (let at = 0; at < input.length; at++) {
      output[at] = Math.min(Math.max(input[at], 0), this.#ceiling)
    }
    return output
  }

  backward(outputGradient: Float64Array): Float64Array {
    const inputGradient = new Float64Array(outputGradient.length)
    for (let at = 0; at < outputGradient.length; at++) {
      const open = this.#input[at] > 0 && this.#input[at] < this.#ceiling
      inputGradient[at] = open ? outputGradient[at] : 0
    }
    return inputGradient
  }
}

/** Row-major in, row-major out: only the shape changes. */
export class Flatten implements Layer {
  readonly shape: readonly number[]

  constructor(size: number) {
    this.shape = [size]
  }

  forward(input: Float64Array): Float64Array {
    return input
  }

  backward(outputGradient: Float64Array): Float64Array {
    return outputGradient
  }
}
