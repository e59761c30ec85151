import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import { heapOf, type Pointer, type WasmHeap } from '../heap.js'

/** What tfjs hands to a kernel; attributes are checked by the op that calls it. */
export interface KernelCall<Inputs, Attributes> {
  readonly inputs: Inputs
  readonly attrs: Attributes
  readonly backend: BackendWasm
}

export function pointerOf(backend: BackendWasm, { dataId }: TensorInfo): Pointer {
  return backend.dataIdMap.get(dataId).memoryOffset
}

/** A new f32 tensor that `write` fills. */
export function makeOutput(
  backend: BackendWasm,
  shape: readonly number[],
  write: (heap: WasmHeap, pointer: Pointer) => void,
): TensorInfo {
  const tensor = backend.makeOutput([...shape], 'float32')
  write(heapOf(backend), pointerOf(backend, tensor))
  return tensor
}
