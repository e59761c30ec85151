import type { Pointer, WasmHeap } from '../heap.js'

/** A row-major matrix in the heap; `transposed` reads it as its transpose. */
export interface Matrix {
  readonly pointer: Pointer
  readonly rows: number
  readonly columns: number
}

/** out = a · b, or out += a · b. */
export function multiply(
  heap: WasmHeap,
  a: Matrix,
  b: Matrix,
  out: Pointer,
  accumulate = false,
): void {
  const strides = [a.pointer, a.columns * 4, 4]
  product(heap, a.rows, b.columns, a.columns, strides, b, out, accumulate)
}

/** out = aᵀ · b, or out += aᵀ · b. */
export function multiplyTransposed(
  heap: WasmHeap,
  a: Matrix,
  b: Matrix,
  out: Pointer,
  accumulate = false,
): void {
  const strides = [a.pointer, 4, a.columns * 4]
  product(heap, a.columns, b.columns, a.rows, strides, b, out, accumulate)
}

/** Rows of b that are used at a time, so that they stay in the cache while all rows of a pass. */
const DEPTH = 256

function product(
  heap: WasmHeap,
  rows: number,
  columns: number,
  depth: number,
  [a, aRow, aStep]: readonly number[],
  b: Matrix,
  out: Pointer,
  accumulate: boolean,
): void {
  const line = b.columns * 4
  for (let from = 0; from < depth; from += DEPTH) {
    const steps = Math.min(DEPTH, depth - from)
    const left = [a + from * aStep, aRow, aStep]
    const right = [b.pointer + from * line, line]
    const add = accumulate || from > 0 ? 1 : 0
    heap.kernels.gemm(rows, columns, steps, ...left, ...right, out, columns * 4, add)
  }
}

/** out = xᵀ */
export function transpose(heap: WasmHeap, { pointer, rows, columns }: Matrix, out: Pointer): void {
  heap.kernels.transpose(pointer, out, rows, columns)
}
