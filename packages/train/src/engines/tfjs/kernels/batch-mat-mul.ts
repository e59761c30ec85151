import { broadcast_util, type KernelConfig, type TensorInfo } from '@tensorflow/tfjs-core'
import type { Pointer, WasmHeap } from '../heap.js'
import { multiply, multiplyTransposed, transpose, type Matrix } from './matrix.js'
import { makeOutput, pointerOf, type KernelCall } from './tfjs-tensors.js'

/** Replaces tfjs' own, which is ten times slower where an operand is transposed. */
export const batchMatMulConfig: KernelConfig = {
  kernelName: 'BatchMatMul',
  backendName: 'wasm',
  kernelFunc: (call) => {
    const { inputs, attrs, backend } = call as unknown as KernelCall<
      { a: TensorInfo; b: TensorInfo },
      { transposeA: boolean; transposeB: boolean }
    >
    const { a, b } = inputs
    const left = stackOf(a, attrs.transposeA)
    const right = stackOf(b, attrs.transposeB)
    const batch = broadcast_util.assertAndGetBroadcastShape(left.batch, right.batch)
    return makeOutput(backend, [...batch, left.outer, right.inner], (heap, out) =>
      eachPair(left.batch, right.batch, batch, (i, j, k) => {
        const x = matrixAt(pointerOf(backend, a), a.shape, i)
        const y = matrixAt(pointerOf(backend, b), b.shape, j)
        const target = out + k * left.outer * right.inner * 4
        product(heap, x, attrs.transposeA, y, attrs.transposeB, target)
      }),
    )
  },
}

/** out = op(a) · op(b), op transposing where asked to. */
function product(
  heap: WasmHeap,
  a: Matrix,
  transposeA: boolean,
  b: Matrix,
  transposeB: boolean,
  out: Pointer,
): void {
  const times = transposeA ? multiplyTransposed : multiply
  if (!transposeB) return times(heap, a, b, out)
  const pointer = heap.allocate(b.rows * b.columns)
  try {
    transpose(heap, b, pointer)
    times(heap, a, { pointer, rows: b.columns, columns: b.rows }, out)
  } finally {
    heap.release(pointer)
  }
}

/** Batch axes and the product's sizes, `outer` rows by `inner` columns of op(x). */
function stackOf({ shape }: TensorInfo, transposed: boolean) {
  const batch = shape.slice(0, -2)
  const [rows, columns] = shape.slice(-2)
  return transposed
    ? { batch, outer: columns, inner: rows }
    : { batch, outer: rows, inner: columns }
}

function matrixAt(pointer: Pointer, shape: readonly number[], index: number): Matrix {
  const [rows, columns] = shape.slice(-2)
  return { pointer: pointer + index * rows * columns * 4, rows, columns }
}

/** Visits the matrices of two stacks that are broadcast against each other. */
function eachPair(
  left: readonly number[],
  right: readonly number[],
  batch: readonly number[],
  visit: (left: number, right: number, out: number) => void,
): void {
  const total = batch.reduce((size, axis) => size * axis, 1)
  for (let out = 0; out < total; out++) {
    visit(broadcastIndex(left, batch, out), broadcastIndex(right, batch, out), out)
  }
}

/** Index into a stack of `shape` of what stands at `out` in the broadcast one. */
function broadcastIndex(shape: readonly number[], batch: readonly number[], out: number): number {
  let index = 0
  let step = 1
  let rest = out
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    const size = shape[axis - (batch.length - shape.length)] ?? 1
    if (size > 1) index += (rest % batch[axis]) * step
    step *= size
    rest = Math.floor(rest / batch[axis])
  }
  return index
}
