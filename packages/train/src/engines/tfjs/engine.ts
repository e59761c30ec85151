import { KaitianError } from '@kaitian/errors'
import type { Model, TensorSlot } from '../../model/model.js'
import { sizeOf } from '../../model/trace.js'
import { checkBatch, checkState } from '../check.js'
import type { Batch, BatchResult, Engine, EngineOptions } from '../engine.js'
import { openBackend, TFJS_VERSION } from './backend.js'
import { compile } from './compile.js'
import { heapOf, type Pointer, type WasmHeap } from './heap.js'
import { crossEntropy } from './loss.js'
import type { Chain } from './ops/chain.js'
import type { Run } from './ops/op.js'
import { Workspace } from './workspace.js'

/** Samples whose activations are held at once while evaluating; logits do not depend on it. */
const EVALUATION_SLICE = 128
const WARM_UP_SAMPLES = 8
const WARM_UP_PASSES = 3

/** Opens the engine on a wasm back end of its own, in the calling thread. */
export async function openTfjsEngine({ model }: EngineOptions): Promise<TfjsEngine> {
  const backend = await openBackend()
  return new TfjsEngine(model, heapOf(backend), () => backend.dispose())
}

/**
 * Gradients on tfjs' WebAssembly back end: one thread, SIMD. Layers are
 * compiled into explicit forward and backward passes over the back end's
 * memory; no tfjs tensor is made, so there is none to leak.
 */
export class TfjsEngine implements Engine {
  readonly name = 'tfjs'
  readonly description = `tfjs wasm ${TFJS_VERSION}, SIMD, one thread`
  private readonly model: Model
  private readonly heap: WasmHeap
  private readonly workspace: Workspace
  private readonly chain: Chain
  private readonly parameters: Pointer
  private readonly close: () => void
  private loaded = false
  private lastCount = 0

  constructor(model: Model, heap: WasmHeap, close: () => void) {
    this.model = model
    this.heap = heap
    this.close = close
    this.workspace = new Workspace(heap)
    this.chain = compile(model)
    this.parameters = heap.allocate(model.layout.stateSize)
  }

  /** Bytes of the wasm memory: it grows to what the largest batch needs and stays. */
  get heapBytes(): number {
    return this.heap.bytes
  }

  load(parameters: Float32Array): void {
    const { stateSize } = this.model.layout
    checkState(parameters, stateSize)
    this.heap.f32(this.parameters, stateSize).set(parameters.subarray(0, stateSize))
    this.chain.parametersChanged(this.heap)
    this.loaded = true
  }

  /** V8 optimises the layers' code in the first passes; a few of a few samples are enough. */
  warmUp(): void {
    const { input } = this.model.description
    const batch = {
      count: WARM_UP_SAMPLES,
      inputs: new Float32Array(WARM_UP_SAMPLES * sizeOf(input)),
      labels: new Uint8Array(WARM_UP_SAMPLES),
      ids: new Uint32Array(WARM_UP_SAMPLES),
    }
    const into = new Float32Array(this.model.layout.stateSize)
    for (let pass = 0; pass < WARM_UP_PASSES; pass++) this.gradient(batch, into, () => {})
  }

  gradient(batch: Batch, into: Float32Array, ready: (from: number) => void): BatchResult {
    const { stateSize, weightSize } = this.model.layout
    this.checkReady(batch)
    checkState(into, stateSize)
    const mark = falling(ready, stateSize)
    if (batch.count === 0) {
      into.fill(0, 0, stateSize)
      mark(0)
      return { count: 0, lossSum: 0, correct: 0 }
    }
    const run = this.run(batch.count, true, into, mark)
    return this.during(batch.count, () => {
      const { logits, result } = this.forward(run, batch)
      if (stateSize > weightSize) mark(weightSize)
      this.chain.backward(run, logits)
      mark(0)
      return result
    })
  }

  evaluate(batch: Batch): BatchResult {
    this.checkReady(batch)
    const total = { count: batch.count, lossSum: 0, correct: 0 }
    for (let from = 0; from < batch.count; from += EVALUATION_SLICE) {
      const slice = this.slice(batch, from, Math.min(from + EVALUATION_SLICE, batch.count))
      const run = this.run(slice.count, false)
      const { lossSum, correct } = this.during(slice.count, () => this.forward(run, slice).result)
      total.lossSum += lossSum
      total.correct += correct
    }
    return total
  }

  dispose(): void {
    this.loaded = false
    this.chain.parametersChanged(this.heap)
    this.workspace.dispose()
    this.heap.release(this.parameters)
    this.close()
  }

  /** Leaves the logits' buffer holding their gradient when the run trains. */
  private forward(run: Run, batch: Batch): { logits: Pointer; result: BatchResult } {
    const { input, classes } = this.model.description
    const floats = batch.count * sizeOf(input)
    const x = this.workspace.take(floats)
    this.heap.f32(x, floats).set(batch.inputs.subarray(0, floats))
    const logits = this.workspace.take(batch.count * classes)
    this.heap.copy(this.chain.forward(run, x), logits, batch.count * classes)
    const view = this.heap.f32(logits, batch.count * classes)
    return { logits, result: crossEntropy(view, batch, classes, run.training) }
  }

  /** Gives all buffers back afterwards, also when a kernel ran out of memory. */
  private during<Result>(count: number, body: () => Result): Result {
    if (count !== this.lastCount) this.workspace.trim()
    this.lastCount = count
    try {
      return body()
    } finally {
      this.workspace.giveAll()
    }
  }

  private run(
    count: number,
    training: boolean,
    into: Float32Array = new Float32Array(0),
    mark: (from: number) => void = () => {},
  ): Run {
    return {
      heap: this.heap,
      workspace: this.workspace,
      count,
      training,
      parameter: (slot: TensorSlot) => this.parameters + slot.offset * 4,
      write: (slot, gradient) => into.set(gradient, slot.offset),
      ready: (slot) => mark(slot.offset),
    }
  }

  private slice(batch: Batch, from: number, to: number): Batch {
    const size = sizeOf(this.model.description.input)
    return {
      count: to - from,
      inputs: batch.inputs.subarray(from * size, to * size),
      labels: batch.labels.subarray(from, to),
      ids: batch.ids.subarray(from, to),
    }
  }

  private checkReady(batch: Batch): void {
    checkBatch(batch, this.model)
    if (this.loaded) return
    throw new KaitianError('BAD_ARGUMENT', 'Call load(parameters) before the first step.')
  }
}

/** Passes on only what lowers the mark, so that 0 is told once. */
function falling(ready: (from: number) => void, start: number): (from: number) => void {
  let mark = start
  return (from) => {
    if (from >= mark) return
    mark = from
    ready(from)
  }
}
