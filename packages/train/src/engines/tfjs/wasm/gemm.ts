import { define, i32, type Emitter, type FunctionCode, type Local } from './assembler.js'
import { scalar, vector, type Lanes } from './lanes.js'

/**
 * C[m, n] = (accumulate ? C : 0) + A[m, k] · B[k, n].
 *
 * A is addressed by two strides, so that it may lie transposed; rows of B and C
 * are contiguous. Strides in bytes. A tile of up to 4 rows and 8 columns stays
 * in registers while k runs, which keeps both multiply ports busy; there is no
 * packing, so callers hand over blocks that fit the cache.
 */
export function gemm(): FunctionCode {
  const parameters = ['m', 'n', 'k', 'a', 'aRow', 'aStep', 'b', 'bStep', 'c', 'cRow', 'accumulate']
  return define(
    'gemm',
    parameters.map(() => 'i32' as const),
    (f, m, n, k, ...rest) => {
      const [a, aRow, aStep, b, bStep, c, cRow, accumulate] = rest
      const product: Product = { n, k, a, aRow, aStep, b, bStep, c, cRow, accumulate }
      const whole = f.let(i32.and(m, -ROWS))
      f.range(0, whole, ROWS, (row) => rowsOfTiles(f, product, row, ROWS))
      for (let left = 1; left < ROWS; left++) {
        f.when(i32.equal(i32.sub(m, whole), left), () => rowsOfTiles(f, product, whole, left))
      }
    },
  )
}

const ROWS = 4

type Product = Record<
  'n' | 'k' | 'a' | 'aRow' | 'aStep' | 'b' | 'bStep' | 'c' | 'cRow' | 'accumulate',
  Local
>

function rowsOfTiles(f: Emitter, product: Product, row: Local, rows: number): void {
  const bytes = f.let(i32.mul(product.n, 4))
  const by8 = f.let(i32.and(bytes, -32))
  const by4 = f.let(i32.and(bytes, -16))
  f.range(0, by8, 32, (column) => tile(f, product, row, column, rows, 2, vector))
  f.range(by8, by4, 16, (column) => tile(f, product, row, column, rows, 1, vector))
  f.range(by4, bytes, 4, (column) => tile(f, product, row, column, rows, 1, scalar))
}

function tile(
  f: Emitter,
  { k, a, aRow, aStep, b, bStep, c, cRow, accumulate }: Product,
  row: Local,
  column: Local,
  rows: number,
  vectors: number,
  lanes: Lanes,
): void {
  const outputs: Local[] = []
  const operands: Local[] = []
  for (let r = 0; r < rows; r++) {
    outputs.push(f.let(i32.add(i32.add(c, column), i32.mul(i32.add(row, r), cRow))))
    operands.push(f.let(i32.add(a, i32.mul(i32.add(row, r), aRow))))
  }
  const zero = lanes.constant(0)
  const sums = outputs.map(() => Array.from({ length: vectors }, () => f.let(zero)))
  f.when(accumulate, () =>
    sums.forEach((line, r) =>
      line.forEach((sum, v) => f.set(sum, lanes.load(outputs[r], v * lanes.bytes))),
    ),
  )
  const start = f.let(i32.add(b, column))
  f.range(start, i32.add(start, i32.mul(k, bStep)), bStep, (address) => {
    const right = sums[0].map((_, v) => f.let(lanes.load(address, v * lanes.bytes)))
    sums.forEach((line, r) => {
      const left = f.let(lanes.loadSplat(operands[r]))
      line.forEach((sum, v) => f.set(sum, lanes.add(sum, lanes.mul(left, right[v]))))
      f.set(operands[r], i32.add(operands[r], aStep))
    })
  })
  sums.forEach((line, r) =>
    line.forEach((sum, v) => f.run(lanes.store(outputs[r], sum, v * lanes.bytes))),
  )
}
