import { assemble } from './assembler.js'
import { elementwiseKernels } from './elementwise.js'
import { gemm } from './gemm.js'
import { normKernels } from './norms.js'
import { patchKernels } from './patches.js'
import { windowKernels } from './pools.js'

/** What is used of the WebAssembly API; Node's types leave it to the DOM's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { readonly exports: object }
}

/** A memory whose buffer is replaced when it grows: never keep a view. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
}

/** A kernel of the module: pointers and strides in bytes, clamps in f32. */
type WasmKernel = (...args: number[]) => void

export type WasmKernels = Readonly<Record<string, WasmKernel>>

/** Builds the training kernels over a memory that someone else owns and grows. */
export function instantiate(memory: WasmMemory): WasmKernels {
  const instance = new WebAssembly.Instance(compiled(), { env: { memory } })
  return instance.exports as unknown as WasmKernels
}

let module: object | undefined

function compiled(): object {
  module ??= new WebAssembly.Module(assembleKernels())
  return module
}

/** The module's bytes; the same text gives the same bytes. */
export function assembleKernels(): Uint8Array<ArrayBuffer> {
  return assemble([
    gemm(),
    ...patchKernels(),
    ...windowKernels(),
    ...normKernels(),
    ...elementwiseKernels(),
  ])
}
