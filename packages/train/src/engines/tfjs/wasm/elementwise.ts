import { define, i32, type Emitter, type FunctionCode, type Local } from './assembler.js'
import { scalar, vector, type Lanes } from './lanes.js'

/** Kernels over `bytes` bytes without any structure. */
export function elementwiseKernels(): FunctionCode[] {
  return [add(), clamp(), clampGrad(), transpose()]
}

/** y += x */
function add(): FunctionCode {
  return define('add', ['i32', 'i32', 'i32'], (f, x, y, bytes) =>
    eachLane(f, bytes, (lanes, offset) => {
      const target = f.let(i32.add(y, offset))
      const sum = lanes.add(lanes.load(target), lanes.load(i32.add(x, offset)))
      f.run(lanes.store(target, sum))
    }),
  )
}

/** y = clamp(x, low, high) */
function clamp(): FunctionCode {
  return define('clamp', ['i32', 'f32', 'f32', 'i32', 'i32'], (f, x, low, high, y, bytes) =>
    eachLane(f, bytes, (lanes, offset) => {
      const value = lanes.load(i32.add(x, offset))
      const clamped = lanes.min(lanes.max(value, lanes.splat(low)), lanes.splat(high))
      f.run(lanes.store(i32.add(y, offset), clamped))
    }),
  )
}

/** dx = dy where low < x ≤ high, else 0 */
function clampGrad(): FunctionCode {
  const types = ['i32', 'i32', 'f32', 'f32', 'i32', 'i32'] as const
  return define('clampGrad', types, (f, dy, x, low, high, dx, bytes) =>
    eachLane(f, bytes, (lanes, offset) => {
      const value = f.let(lanes.load(i32.add(x, offset)))
      const inside = lanes.both(
        lanes.gt(value, lanes.splat(low)),
        lanes.le(value, lanes.splat(high)),
      )
      const gradient = lanes.load(i32.add(dy, offset))
      const passed = lanes.select(gradient, lanes.constant(0), inside)
      f.run(lanes.store(i32.add(dx, offset), passed))
    }),
  )
}

/** Rows that `transpose` moves at a time: what it writes is a whole cache line. */
const TRANSPOSED_ROWS = 16

/** y[columns, rows] = x[rows, columns] transposed */
function transpose(): FunctionCode {
  return define('transpose', ['i32', 'i32', 'i32', 'i32'], (f, x, y, rows, columns) => {
    const across = f.let(i32.mul(columns, 4))
    f.range(0, rows, TRANSPOSED_ROWS, (row) => {
      const height = f.let(i32.min(TRANSPOSED_ROWS, i32.sub(rows, row)))
      f.range(0, columns, 1, (column) => {
        const from = i32.add(i32.mul(row, columns), column)
        const source = f.let(i32.add(x, i32.mul(from, 4)))
        const to = i32.add(i32.mul(column, rows), row)
        const target = f.let(i32.add(y, i32.mul(to, 4)))
        f.range(target, i32.add(target, i32.mul(height, 4)), 4, (address) => {
          f.run(scalar.store(address, scalar.load(source)))
          f.set(source, i32.add(source, across))
        })
      })
    })
  })
}

/** Four lanes as long as they last, then one by one. */
function eachLane(f: Emitter, bytes: Local, body: (lanes: Lanes, offset: Local) => void): void {
  const whole = f.let(i32.and(bytes, -vector.bytes))
  f.range(0, whole, vector.bytes, (offset) => body(vector, offset))
  f.range(whole, bytes, scalar.bytes, (offset) => body(scalar, offset))
}
