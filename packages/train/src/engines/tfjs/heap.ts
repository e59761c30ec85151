import { KaitianError } from '@kaitian/errors'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import { instantiate, type WasmKernels, type WasmMemory } from './wasm/module.js'

/** Byte address in the back end's memory. */
export type Pointer = number

/** The part of tfjs' Emscripten module that is used; undocumented, so the version is pinned. */
interface EmscriptenModule {
  readonly asm: { readonly memory?: WasmMemory }
  _malloc(bytes: number): number
  _free(pointer: Pointer): void
  _Conv2D(...args: number[]): void
  _DepthwiseConv2dNative(...args: number[]): void
  readonly tfjs: {
    registerTensor(id: number, elements: number, pointer: Pointer): void
    disposeData(id: number): void
  }
}

/**
 * The memory of one tfjs wasm back end: raw allocation, short-lived views, the
 * training kernels that work on it, and tensor ids for tfjs' own kernels.
 */
export class WasmHeap {
  readonly kernels: WasmKernels
  private readonly memory: WasmMemory
  private readonly module: EmscriptenModule
  private readonly ids: { dataIdNextNumber: number }

  constructor(backend: BackendWasm) {
    this.module = backend.wasm as unknown as EmscriptenModule
    this.ids = backend as unknown as { dataIdNextNumber: number }
    const { memory } = this.module.asm ?? {}
    if (memory === undefined || !Number.isInteger(this.ids.dataIdNextNumber)) {
      throw new KaitianError(
        'ENGINE_FAILED',
        'The tfjs wasm back end does not show its memory; install @tensorflow/tfjs-backend-wasm 4.22.0, the version this engine is pinned to.',
      )
    }
    this.memory = memory
    this.kernels = instantiate(memory)
  }

  /** Size of the memory in bytes; it grows and never shrinks. */
  get bytes(): number {
    return this.memory.buffer.byteLength
  }

  /** A view that the next allocation may detach. */
  f32(pointer: Pointer, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.memory.buffer, pointer, length)
  }

  allocate(floats: number): Pointer {
    const bytes = Math.max(floats, 1) * 4
    // malloc would take a larger size modulo 2³²; above 2 GiB its address comes back negative
    const pointer = bytes < 2 ** 32 ? this.module._malloc(bytes) >>> 0 : 0
    if (pointer !== 0) return pointer
    throw new KaitianError(
      'OUT_OF_MEMORY',
      `The tfjs engine needs ${bytes} bytes more than its heap of ${this.bytes} bytes can grow; use smaller shards or batches.`,
      { fields: { bytes, heapBytes: this.bytes } },
    )
  }

  release(pointer: Pointer): void {
    this.module._free(pointer)
  }

  clear(pointer: Pointer, floats: number): void {
    this.f32(pointer, floats).fill(0)
  }

  copy(from: Pointer, to: Pointer, floats: number): void {
    this.f32(to, floats).set(this.f32(from, floats))
  }

  /**
   * Names memory for tfjs' own kernels. XNNPACK keeps a convolution's packed
   * weights under the filter's id: new values need a new id.
   */
  register(pointer: Pointer, floats: number): number {
    const id = this.ids.dataIdNextNumber++
    this.module.tfjs.registerTensor(id, floats, pointer)
    return id
  }

  unregister(id: number): void {
    this.module.tfjs.disposeData(id)
  }

  conv2d(...args: number[]): void {
    this.module._Conv2D(...args)
  }

  depthwiseConv2d(...args: number[]): void {
    this.module._DepthwiseConv2dNative(...args)
  }
}

const heaps = new WeakMap<object, WasmHeap>()

/** One set of kernels for each back end, made on first use. */
export function heapOf(backend: BackendWasm): WasmHeap {
  let heap = heaps.get(backend)
  if (heap === undefined) {
    heap = new WasmHeap(backend)
    heaps.set(backend, heap)
  }
  return heap
}
