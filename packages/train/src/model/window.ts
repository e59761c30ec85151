/**
 * One axis of a sliding window (convolution, pooling): how many positions it
 * takes and how many cells of padding lie before and after the input.
 * 'same' follows TensorFlow: ⌈input / stride⌉ positions, the odd cell after.
 */
export interface WindowAxis {
  readonly output: number
  readonly before: number
  readonly after: number
}

export function windowAxis(
  input: number,
  size: number,
  stride: number,
  padding: 'same' | 'valid',
): WindowAxis {
  if (padding === 'valid') {
    return { output: Math.floor((input - size) / stride) + 1, before: 0, after: 0 }
  }
  const output = Math.ceil(input / stride)
  const total = Math.max((output - 1) * stride + size - input, 0)
  const before = Math.floor(total / 2)
  return { output, before, after: total - before }
}
