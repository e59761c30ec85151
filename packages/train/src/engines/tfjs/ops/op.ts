import type { TensorSlot } from '../../../model/model.js'
import type { Pointer, WasmHeap } from '../heap.js'
import type { Workspace } from '../workspace.js'

/** One step through the ops: a batch, its memory and where its gradients go. */
export interface Run {
  readonly heap: WasmHeap
  /** Activations are taken here and stay until the step ends. */
  readonly workspace: Workspace
  readonly count: number
  /** Batch statistics and room for a gradient; false while evaluating. */
  readonly training: boolean
  /** Current value of a tensor. */
  parameter(slot: TensorSlot): Pointer
  /** Hands over the gradient sum of a tensor. */
  write(slot: TensorSlot, gradient: Float32Array | Float64Array): void
  /** All tensors from this one on have been written. */
  ready(slot: TensorSlot): void
}

/**
 * A compiled layer, or two fused ones. Forward keeps what backward needs in the
 * run's workspace; backward is called once, after forward, in reverse order.
 */
export interface Op {
  readonly hasWeights: boolean
  forward(run: Run, x: Pointer): Pointer
  /**
   * Writes the gradients of its tensors. Takes over `dy` and returns dx, in the
   * same buffer where that works; undefined where no earlier layer needs it.
   */
  backward(run: Run, dy: Pointer): Pointer | undefined
  /** The parameters have new values: what was derived from the old ones is stale. */
  parametersChanged?(heap: WasmHeap): void
}

/** Replaces a gradient buffer by a new one that `compute` fills from it. */
export function exchange(
  { workspace }: Run,
  dy: Pointer,
  floats: number,
  compute: (dx: Pointer) => void,
): Pointer {
  const dx = workspace.take(floats)
  compute(dx)
  workspace.give(dy)
  return dx
}
