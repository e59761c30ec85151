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

/** y[columns, rows] = x[rows, columns] transposed; strides in bytes. For small operands: no blocking. */
function transpose(): FunctionCode {
  const types = ['i32', 'i32', 'i32', 'i32'] as const
  return define('transpose', types, (f, x, y, rows, columns) => {
    const source = f.let(x)
    const down = f.let(i32.mul(rows, 4))
    f.range(y, i32.add(y, down), 4, (start) => {
      const target = f.let(start)
      f.range(0, columns, 1, () => {
        f.run(scalar.store(target, scalar.load(source)))
        f.set(source, i32.add(source, 4))
        f.set(target, i32.add(target, down))
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
