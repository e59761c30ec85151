/**
 * One layer in fp64, sized for a shape and bound to its part of the state.
 * Activations are flat, [samples, …shape], images in NHWC.
 */
export interface Layer {
  /** Shape of one sample after the layer. */
  readonly shape: readonly number[]
  /** Keeps what `backward` needs; one backward follows one forward. */
  forward(input: Float64Array, samples: number): Float64Array
  /** Adds to the gradients of its weights; returns the gradient of its input. */
  backward(outputGradient: Float64Array): Float64Array
}

/** A layer's tensor: its values and where its gradient (or statistic sum) is added up. */
export interface Parameter {
  readonly values: Float64Array
  readonly gradient: Float64Array
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1)
}

/** into[i] += bias[i mod channels] */
export function addBias(into: Float64Array, bias: Float64Array): void {
  const channels = bias.length
  for (let at = 0; at < into.length; at += channels) {
    for (let channel = 0; channel < channels; channel++) into[at + channel] += bias[channel]
  }
}

/** gradient[c] += Σ of the output gradients of channel c */
export function addBiasGradient(gradient: Float64Array, outputGradient: Float64Array): void {
  const channels = gradient.length
  for (let at = 0; at < outputGradient.length; at += channels) {
    for (let channel = 0; channel < channels; channel++) {
      gradient[channel] += outputGradient[at + channel]
    }
  }
}
