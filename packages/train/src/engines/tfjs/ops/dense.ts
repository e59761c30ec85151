import type { TensorSlot } from '../../../model/model.js'
import type { Pointer } from '../heap.js'
import { addBias, biasGradient } from '../kernels/bias.js'
import { multiply, multiplyTransposed, transpose } from '../kernels/matrix.js'
import { exchange, type Op, type Run } from './op.js'

/** y = x · kernel + bias; the kernel is [features, units]. */
export class Dense implements Op {
  readonly hasWeights = true
  private readonly layer: DenseLayer
  private x: Pointer = 0

  constructor(layer: DenseLayer) {
    this.layer = layer
  }

  forward(run: Run, x: Pointer): Pointer {
    const { heap, workspace, count } = run
    const { bias } = this.layer
    const kernel = this.kernel(run)
    this.x = x
    const y = workspace.take(count * kernel.columns)
    multiply(heap, { pointer: x, rows: count, columns: kernel.rows }, kernel, y)
    if (bias !== undefined) {
      addBias(heap, { rows: count, channels: kernel.columns }, y, run.parameter(bias))
    }
    return y
  }

  backward(run: Run, dy: Pointer): Pointer | undefined {
    const { heap, workspace, count } = run
    const { kernel, bias, inputGradient } = this.layer
    const [features, units] = kernel.shape
    const output = { pointer: dy, rows: count, columns: units }
    if (bias !== undefined) {
      run.write(bias, biasGradient(heap, { rows: count, channels: units }, dy))
    }
    const gradient = workspace.take(kernel.size)
    multiplyTransposed(heap, { pointer: this.x, rows: count, columns: features }, output, gradient)
    run.write(kernel, heap.f32(gradient, kernel.size))
    workspace.give(gradient)
    run.ready(kernel)
    if (inputGradient) return this.inputGradient(run, dy)
    workspace.give(dy)
    return undefined
  }

  private inputGradient(run: Run, dy: Pointer): Pointer {
    const { heap, workspace, count } = run
    const kernel = this.kernel(run)
    const turned = workspace.take(this.layer.kernel.size)
    transpose(heap, kernel, turned)
    const right = { pointer: turned, rows: kernel.columns, columns: kernel.rows }
    const left = { pointer: dy, rows: count, columns: kernel.columns }
    const dx = exchange(run, dy, count * kernel.rows, (out) => multiply(heap, left, right, out))
    workspace.give(turned)
    return dx
  }

  private kernel(run: Run): { pointer: Pointer; rows: number; columns: number } {
    const { kernel } = this.layer
    return { pointer: run.parameter(kernel), rows: kernel.shape[0], columns: kernel.shape[1] }
  }
}

export interface DenseLayer {
  readonly kernel: TensorSlot
  readonly bias: TensorSlot | undefined
  readonly inputGradient: boolean
}
