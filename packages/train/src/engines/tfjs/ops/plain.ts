import type { Pointer } from '../heap.js'
import type { WindowShape } from '../kernels/conv-shape.js'
import { channelSums, type Clamp, type Rows } from '../kernels/normalise.js'
import { averagePool, averagePoolGradient, maxPool, maxPoolGradient } from '../kernels/pools.js'
import { exchange, type Op, type Run } from './op.js'

/** The same memory under another shape. */
export class Flatten implements Op {
  readonly hasWeights = false

  forward(_run: Run, x: Pointer): Pointer {
    return x
  }

  backward(_run: Run, dy: Pointer): Pointer {
    return dy
  }
}

/** relu or relu6 that no norm in front could take in. */
export class Activation implements Op {
  readonly hasWeights = false
  private readonly size: number
  private readonly clamp: Clamp
  private x: Pointer = 0

  constructor(size: number, clamp: Clamp) {
    this.size = size
    this.clamp = clamp
  }

  forward({ heap, workspace, count }: Run, x: Pointer): Pointer {
    const { low, high } = this.clamp
    this.x = x
    const y = workspace.take(count * this.size)
    heap.kernels.clamp(x, low, high, y, count * this.size * 4)
    return y
  }

  backward({ heap, count }: Run, dy: Pointer): Pointer {
    const { low, high } = this.clamp
    heap.kernels.clampGrad(dy, this.x, low, high, dy, count * this.size * 4)
    return dy
  }
}

/** Maximum or average over windows. */
export class Pooling implements Op {
  readonly hasWeights = false
  private readonly window: Omit<WindowShape, 'count'>
  private readonly kind: 'maxPool' | 'averagePool'
  private x: Pointer = 0
  private y: Pointer = 0

  constructor(kind: 'maxPool' | 'averagePool', window: Omit<WindowShape, 'count'>) {
    this.kind = kind
    this.window = window
  }

  forward({ heap, workspace, count }: Run, x: Pointer): Pointer {
    const shape = { ...this.window, count }
    this.x = x
    this.y = workspace.take(count * shape.outHeight * shape.outWidth * shape.channels)
    if (this.kind === 'maxPool') maxPool(heap, shape, x, this.y)
    else averagePool(heap, shape, x, this.y)
    return this.y
  }

  backward(run: Run, dy: Pointer): Pointer {
    const shape = { ...this.window, count: run.count }
    const floats = run.count * shape.inHeight * shape.inWidth * shape.channels
    return exchange(run, dy, floats, (dx) => {
      if (this.kind === 'maxPool') maxPoolGradient(run.heap, shape, this.x, this.y, dy, dx)
      else averagePoolGradient(run.heap, shape, dy, dx)
    })
  }
}

/** Mean over all pixels of a channel. */
export class GlobalAverage implements Op {
  readonly hasWeights = false
  private readonly shape: Rows

  constructor(shape: Rows) {
    this.shape = shape
  }

  forward({ heap, workspace, count }: Run, x: Pointer): Pointer {
    const { rows, channels } = this.shape
    const y = workspace.take(count * channels)
    for (let sample = 0; sample < count; sample++) {
      const offset = sample * channels * 4
      channelSums(heap, this.shape, x + offset * rows, y + offset)
    }
    const means = heap.f32(y, count * channels)
    for (let i = 0; i < means.length; i++) means[i] /= rows
    return y
  }

  backward(run: Run, dy: Pointer): Pointer {
    const { rows, channels } = this.shape
    return exchange(run, dy, run.count * rows * channels, (dx) => {
      const gradient = run.heap.f32(dy, run.count * channels).map((value) => value / rows)
      for (let sample = 0; sample < run.count; sample++) {
        const image = run.heap.f32(dx + sample * rows * channels * 4, rows * channels)
        image.set(gradient.subarray(sample * channels, (sample + 1) * channels))
        repeat(image, channels)
      }
    })
  }
}

/** Fills an array with copies of its first `length` values, doubling what is there. */
function repeat(values: Float32Array, length: number): void {
  for (let filled = length; filled < values.length; filled *= 2) {
    values.copyWithin(filled, 0, Math.min(filled, values.length - filled))
  }
}
