import type { Pointer, WasmHeap } from '../heap.js'
import type { Op, Run } from './op.js'

/** Ops one after the other. */
export class Chain implements Op {
  readonly hasWeights: boolean
  private readonly ops: readonly Op[]
  private readonly inputGradient: boolean

  constructor(ops: readonly Op[], inputGradient: boolean) {
    this.ops = ops
    this.inputGradient = inputGradient
    this.hasWeights = ops.some((op) => op.hasWeights)
  }

  forward(run: Run, x: Pointer): Pointer {
    return this.ops.reduce((value, op) => op.forward(run, value), x)
  }

  backward(run: Run, dy: Pointer): Pointer | undefined {
    let gradient: Pointer | undefined = dy
    for (let i = this.ops.length - 1; i >= this.first(); i--) {
      gradient = this.ops[i].backward(run, gradient as Pointer)
    }
    if (this.inputGradient) return gradient
    if (gradient !== undefined) run.workspace.give(gradient)
    return undefined
  }

  parametersChanged(heap: WasmHeap): void {
    for (const op of this.ops) op.parametersChanged?.(heap)
  }

  /** Where the way back ends: layers before the first weights have nothing to learn. */
  private first(): number {
    if (this.inputGradient) return 0
    const first = this.ops.findIndex((op) => op.hasWeights)
    return first === -1 ? this.ops.length : first
  }
}

/** body(x) + shortcut(x) */
export class Sum implements Op {
  readonly hasWeights: boolean
  private readonly body: Chain
  private readonly shortcut: Chain
  private readonly inputSize: number
  private readonly outputSize: number

  constructor(body: Chain, shortcut: Chain, sizes: { input: number; output: number }) {
    this.body = body
    this.shortcut = shortcut
    this.inputSize = sizes.input
    this.outputSize = sizes.output
    this.hasWeights = body.hasWeights || shortcut.hasWeights
  }

  forward(run: Run, x: Pointer): Pointer {
    const { heap, workspace, count } = run
    const [body, shortcut] = [this.body.forward(run, x), this.shortcut.forward(run, x)]
    const floats = count * this.outputSize
    // a buffer of its own: a branch may need its output on the way back
    const y = workspace.take(floats)
    heap.copy(body, y, floats)
    heap.kernels.add(shortcut, y, floats * 4)
    return y
  }

  /** The shortcut goes first: its tensors lie behind the body's, and `ready` only falls. */
  backward(run: Run, dy: Pointer): Pointer | undefined {
    const { heap, workspace, count } = run
    const floats = count * this.outputSize
    const copy = workspace.take(floats)
    heap.copy(dy, copy, floats)
    const around = this.shortcut.backward(run, copy)
    const through = this.body.backward(run, dy)
    if (around === undefined || through === undefined) return undefined
    heap.kernels.add(around, through, count * this.inputSize * 4)
    workspace.give(around)
    return through
  }

  parametersChanged(heap: WasmHeap): void {
    this.body.parametersChanged(heap)
    this.shortcut.parametersChanged(heap)
  }
}
