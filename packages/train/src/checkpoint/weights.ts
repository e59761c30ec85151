import { KaitianError } from '@kaitian/errors'
import type { Layout, TensorSlot } from '../model/model.js'
import { readSafetensors, writeSafetensors, type Tensor } from './safetensors.js'

/**
 * Writes a model's state, f32 [layout.stateSize], as one named F32 tensor for
 * each slot of the layout.
 *
 * @throws KaitianError FILE_WRITE_FAILED; BAD_ARGUMENT when the state is too short
 */
export async function saveWeights(
  path: string,
  layout: Layout,
  state: Float32Array,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const tensors = layout.tensors.map<Tensor>(({ name, shape, offset, size }) => ({
    name,
    dtype: 'F32',
    shape,
    data: state.subarray(offset, offset + size),
  }))
  await writeSafetensors(path, tensors, metadata)
}

/**
 * Reads a model's state, f32 [layout.stateSize], tensors found by name.
 *
 * @throws KaitianError FILE_CORRUPT when the file's tensors are not exactly the
 *   layout's; what `readSafetensors` throws
 */
export async function loadWeights(path: string, layout: Layout): Promise<Float32Array> {
  const { tensors } = await readSafetensors(path)
  const found = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const state = new Float32Array(layout.stateSize)
  for (const slot of layout.tensors) {
    state.set(fitting(path, slot, found.get(slot.name)), slot.offset)
    found.delete(slot.name)
  }
  const [surplus] = found.keys()
  if (surplus !== undefined) {
    throw misfit(path, surplus, `it holds the tensor ${surplus}, which the model has not`)
  }
  return state
}

function fitting(path: string, slot: TensorSlot, tensor: Tensor | undefined): Float32Array {
  const { name, shape } = slot
  if (tensor === undefined) throw misfit(path, name, `it lacks the tensor ${name}`)
  if (tensor.dtype !== 'F32') {
    throw misfit(path, name, `its tensor ${name} is ${tensor.dtype}, and the model's is F32`)
  }
  if (shape.length !== tensor.shape.length || shape.some((size, i) => size !== tensor.shape[i])) {
    const [has, wants] = [tensor.shape.join(', '), shape.join(', ')]
    throw misfit(path, name, `its tensor ${name} is [${has}], and the model's is [${wants}]`)
  }
  return tensor.data
}

function misfit(path: string, tensor: string, what: string): KaitianError {
  const sentence = `${path} does not fit this model: ${what}; give weights of the same model.`
  return new KaitianError('FILE_CORRUPT', sentence, { fields: { path, tensor } })
}
