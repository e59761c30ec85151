import type { TensorSlot } from '../../../model/model.js'
import type { Pointer, WasmHeap } from '../heap.js'
import { addBias, biasGradient } from '../kernels/bias.js'
import { conv2dFilterGradient } from '../kernels/conv2d-backprop-filter.js'
import { conv2dInputGradient } from '../kernels/conv2d-backprop-input.js'
import type { ConvShape } from '../kernels/conv-shape.js'
import { depthwiseFilterGradient, depthwiseInputGradient } from '../kernels/depthwise-backprop.js'
import { exchange, type Op, type Run } from './op.js'

/** A convolution over all channels, or channel by channel; forward by XNNPACK. */
export class Convolution implements Op {
  readonly hasWeights = true
  private readonly layer: ConvolutionLayer
  private x: Pointer = 0
  private filterId: number | undefined

  constructor(layer: ConvolutionLayer) {
    this.layer = layer
  }

  forward(run: Run, x: Pointer): Pointer {
    const { heap, workspace } = run
    const { kernel, bias, depthwise } = this.layer
    const shape = this.shape(run)
    const rows = this.outputRows(run)
    this.x = x
    this.filterId ??= heap.register(run.parameter(kernel), kernel.size)
    const y = workspace.take(rows.rows * rows.channels)
    const input = heap.register(x, shape.count * shape.inHeight * shape.inWidth * shape.channels)
    const output = heap.register(y, rows.rows * rows.channels)
    const call = convolutionArguments(shape, input, this.filterId, output)
    if (depthwise) heap.depthwiseConv2d(...call)
    else heap.conv2d(...call)
    heap.unregister(input)
    heap.unregister(output)
    if (bias !== undefined) addBias(heap, rows, y, run.parameter(bias))
    return y
  }

  backward(run: Run, dy: Pointer): Pointer | undefined {
    const { heap, workspace } = run
    const { kernel, bias, inputGradient } = this.layer
    const shape = this.shape(run)
    if (bias !== undefined) run.write(bias, biasGradient(heap, this.outputRows(run), dy))
    const gradient = workspace.take(kernel.size)
    this.filterGradient(heap, shape, dy, gradient)
    run.write(kernel, heap.f32(gradient, kernel.size))
    workspace.give(gradient)
    run.ready(kernel)
    if (inputGradient) return this.inputGradient(run, shape, dy)
    workspace.give(dy)
    return undefined
  }

  /** XNNPACK packed the old kernel under its id. */
  parametersChanged(heap: WasmHeap): void {
    if (this.filterId !== undefined) heap.unregister(this.filterId)
    this.filterId = undefined
  }

  private filterGradient(heap: WasmHeap, shape: ConvShape, dy: Pointer, out: Pointer): void {
    if (this.layer.depthwise) depthwiseFilterGradient(heap, shape, this.x, dy, out)
    else conv2dFilterGradient(heap, shape, this.x, dy, out)
  }

  private inputGradient(run: Run, shape: ConvShape, dy: Pointer): Pointer {
    const kernel = run.parameter(this.layer.kernel)
    const floats = shape.count * shape.inHeight * shape.inWidth * shape.channels
    const compute = this.layer.depthwise ? depthwiseInputGradient : conv2dInputGradient
    return exchange(run, dy, floats, (dx) => compute(run.heap, shape, dy, kernel, dx))
  }

  private shape({ count }: Run): ConvShape {
    return { ...this.layer.shape, count }
  }

  private outputRows({ count }: Run): { rows: number; channels: number } {
    const { outHeight, outWidth, filters } = this.layer.shape
    return { rows: count * outHeight * outWidth, channels: filters }
  }
}

export interface ConvolutionLayer {
  readonly shape: Omit<ConvShape, 'count'>
  readonly kernel: TensorSlot
  readonly bias: TensorSlot | undefined
  readonly depthwise: boolean
  readonly inputGradient: boolean
}

/** As `Conv2D` and `DepthwiseConv2dNative` of tfjs' wasm module take them. */
function convolutionArguments(
  shape: ConvShape,
  input: number,
  filter: number,
  output: number,
): number[] {
  // padding is explicit, so the flag for 'same' stays 0
  const [same, dilation] = [0, 1]
  return [
    [input, shape.count, shape.inHeight, shape.inWidth],
    [filter, shape.kernelHeight, shape.kernelWidth],
    [shape.top, shape.right, shape.bottom, shape.left, same],
    [dilation, dilation, shape.strideHeight, shape.strideWidth],
    [shape.channels, shape.filters, output],
  ].flat()
}
