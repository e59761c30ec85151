import { RecordError } from '../failure.js'
import type { WindowDescription } from '../model.js'

/** Where a window lies at each output position: TensorFlow's rule, which pads more behind than before. */
export interface Window {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly outHeight: number
  readonly outWidth: number
  readonly size: number
  readonly stride: number
  readonly padTop: number
  readonly padLeft: number
}

export function windowOver(input: readonly number[], description: WindowDescription): Window {
  if (input.length !== 3) throw new RecordError('a window needs an image [height, width, channels]')
  const [height, width, channels] = input
  const { size, stride } = description
  const vertical = extent(height, description)
  const horizontal = extent(width, description)
  return {
    height,
    width,
    channels,
    outHeight: vertical.out,
    outWidth: horizontal.out,
    size,
    stride,
    padTop: vertical.before,
    padLeft: horizontal.before,
  }
}

function extent(
  input: number,
  { size, stride, padding }: WindowDescription,
): { out: number; before: number } {
  if (padding === 'valid') {
    if (input < size) throw new RecordError(`a window of ${size} does not fit into ${input}`)
    return { out: Math.floor((input - size) / stride) + 1, before: 0 }
  }
  const out = Math.ceil(input / stride)
  const total = Math.max((out - 1) * stride + size - input, 0)
  return { out, before: Math.floor(total / 2) }
}

/**
 * Calls `visit(at, tap)` for each position of the window at output (y, x) that
 * lies inside the image, in row order. `at` is the offset of its first channel
 * in a sample, `tap` the position's number in the window.
 */
export function visitTaps(
  window: Window,
  y: number,
  x: number,
  visit: (at: number, tap: number) => void,
): void {
  const top = y * window.stride - window.padTop
  const left = x * window.stride - window.padLeft
  for (let dy = 0; dy < window.size; dy++) {
    const row = top + dy
    if (row < 0 || row >= window.height) continue
    for (let dx = 0; dx < window.size; dx++) {
      const column = left + dx
      if (column < 0 || column >= window.width) continue
      visit((row * window.width + column) * window.channels, dy * window.size + dx)
    }
  }
}

/** Calls `visit(y, x, position)` for each output position, in row order. */
export function visitOutputs(
  window: Window,
  visit: (y: number, x: number, position: number) => void,
): void {
  let position = 0
  for (let y = 0; y < window.outHeight; y++) {
    for (let x = 0; x < window.outWidth; x++) visit(y, x, position++)
  }
}
