import type { TensorSlot } from '../../../model/model.js'
import type { Pointer } from '../heap.js'
import { batchMoments, batchNorm, batchNormGradient, type Moments } from '../kernels/batch-norm.js'
import * as batch from '../kernels/batch-norm.js'
import { groupNorm, groupNormGradient, type NormGradients } from '../kernels/group-norm.js'
import * as group from '../kernels/group-norm.js'
import type { Clamp, Rows } from '../kernels/normalise.js'
import type { Op, Run } from './op.js'

export interface NormLayer {
  /** Pixels of one sample, and channels. */
  readonly shape: Rows
  readonly epsilon: number
  /** The activation behind the norm, fused into its passes. */
  readonly clamp: Clamp
  readonly scale: TensorSlot
  readonly bias: TensorSlot
}

/** Group norm and the activation behind it. */
export class GroupNormalisation implements Op {
  readonly hasWeights = true
  private readonly layer: NormLayer & { readonly groups: number }
  private x: Pointer = 0
  private saved: Pointer = 0

  constructor(layer: NormLayer & { readonly groups: number }) {
    this.layer = layer
  }

  forward(run: Run, x: Pointer): Pointer {
    const { heap, workspace } = run
    const { clamp } = this.layer
    const shape = this.shape(run)
    this.x = x
    this.saved = workspace.take(group.savedFloats(shape))
    const y = workspace.take(shape.count * shape.rows * shape.channels)
    groupNorm(heap, shape, x, parameters(run, this.layer), clamp, this.saved, y)
    return y
  }

  backward(run: Run, dy: Pointer): Pointer {
    const { scale, clamp } = this.layer
    const gradients = zeroGradients(this.layer)
    const gamma = run.parameter(scale)
    const shape = this.shape(run)
    groupNormGradient(run.heap, shape, dy, this.x, gamma, clamp, this.saved, gradients, dy)
    writeGradients(run, this.layer, gradients)
    return dy
  }

  private shape({ count }: Run): group.GroupNormShape {
    const { shape, groups, epsilon } = this.layer
    return { ...shape, count, groups, epsilon }
  }
}

/** Batch norm and the activation behind it. Training uses the batch's own moments. */
export class BatchNormalisation implements Op {
  readonly hasWeights = true
  private readonly layer: NormLayer & { readonly mean: TensorSlot; readonly variance: TensorSlot }
  private x: Pointer = 0
  private saved: Pointer = 0
  private moments: Moments = { mean: new Float64Array(), variance: new Float64Array() }

  constructor(layer: NormLayer & { readonly mean: TensorSlot; readonly variance: TensorSlot }) {
    this.layer = layer
  }

  forward(run: Run, x: Pointer): Pointer {
    const { heap, workspace, count } = run
    const { mean, variance, clamp } = this.layer
    const shape = this.shape(run)
    this.x = x
    this.saved = workspace.take(batch.savedFloats(shape))
    if (run.training) {
      this.moments = batchMoments(heap, shape, x, this.saved)
      run.write(
        mean,
        this.moments.mean.map((value) => value * count),
      )
      run.write(
        variance,
        this.moments.variance.map((value) => value * count),
      )
    } else {
      this.moments = { mean: current(run, mean), variance: current(run, variance) }
    }
    const y = workspace.take(count * shape.rows * shape.channels)
    const tensors = parameters(run, this.layer)
    batchNorm(heap, shape, x, tensors, this.moments, clamp, this.saved, y)
    return y
  }

  backward(run: Run, dy: Pointer): Pointer {
    const { scale, clamp } = this.layer
    const { x, moments, saved } = this
    const gradients = zeroGradients(this.layer)
    const gamma = run.parameter(scale)
    const shape = this.shape(run)
    batchNormGradient(run.heap, shape, dy, x, gamma, moments, clamp, saved, gradients, dy)
    writeGradients(run, this.layer, gradients)
    return dy
  }

  private shape({ count }: Run): batch.BatchNormShape {
    const { shape, epsilon } = this.layer
    return { ...shape, count, epsilon }
  }
}

function parameters(run: Run, { scale, bias }: NormLayer): { scale: Pointer; bias: Pointer } {
  return { scale: run.parameter(scale), bias: run.parameter(bias) }
}

function current(run: Run, slot: TensorSlot): Float64Array {
  return Float64Array.from(run.heap.f32(run.parameter(slot), slot.size))
}

function zeroGradients({ shape: { channels } }: NormLayer): NormGradients {
  return { dScale: new Float64Array(channels), dBias: new Float64Array(channels) }
}

function writeGradients(run: Run, { scale, bias }: NormLayer, gradients: NormGradients): void {
  run.write(bias, gradients.dBias)
  run.write(scale, gradients.dScale)
  run.ready(scale)
}
