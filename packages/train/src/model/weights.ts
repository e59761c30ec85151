import { seededRandom } from '@kaitian/actors'
import type { Model, TensorSlot } from './model.js'

/**
 * The state a run starts from: `model.layout.stateSize` values.
 *
 * Kernels are normal with variance 2 / fan-in (He et al. 2015, DOI
 * 10.1109/ICCV.2015.123), biases 0, scales 1, running mean 0 and variance 1.
 * Each tensor has its own random stream, keyed by the seed and its name:
 * adding a layer behind it does not change its first values.
 */
export function initialWeights(model: Model, seed: number | string): Float32Array {
  const state = new Float32Array(model.layout.stateSize)
  for (const slot of model.layout.tensors) {
    fill(state.subarray(slot.offset, slot.offset + slot.size), slot, seed)
  }
  return state
}

function fill(values: Float32Array, slot: TensorSlot, seed: number | string): void {
  switch (slot.name.slice(slot.name.lastIndexOf('.') + 1)) {
    case 'kernel': {
      const random = seededRandom('weights', seed, slot.name)
      const deviation = Math.sqrt(2 / fanIn(slot))
      for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal()
      return
    }
    case 'scale':
    case 'variance':
      values.fill(1)
  }
}

/** Inputs of one output value: all axes of a kernel but the last, [k, k, channels] of a depthwise one k². */
function fanIn({ shape }: TensorSlot): number {
  return shape.slice(0, -1).reduce((product, size) => product * size, 1)
}
