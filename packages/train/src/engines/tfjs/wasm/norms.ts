import { define, i32, type Emitter, type Expr, type FunctionCode, type Local } from './assembler.js'
import { scalar, vector, type Lanes } from './lanes.js'

/**
 * The passes of a normalisation over `rows` rows of channels, fused with the
 * activation behind it: z = x · scale + shift, y = clamp(z, low, high). A block
 * of channels is kept in registers while the rows run. Three forms of each:
 * Wide for channels that 16 divides, Vector for 4, Scalar for the rest.
 */
export function normKernels(): FunctionCode[] {
  return [channelSums, channelSquares, normalise, normaliseGradSums, normaliseGrad].flatMap(
    (kernel) => [
      kernel('Wide', vector, 4),
      kernel('Vector', vector, 1),
      kernel('Scalar', scalar, 1),
    ],
  )
}

/** sums[c] = Σ x[·, c] */
function channelSums(form: string, lanes: Lanes, unroll: number): FunctionCode {
  return define(`channelSums${form}`, ['i32', 'i32', 'i32', 'i32'], (f, x, sums, rows, row) => {
    eachBlock(f, lanes, unroll, row, (block) => {
      const totals = block.constants(0)
      block.eachRow(rows, [x], ([address], v) => f.set(totals[v], lanes.add(totals[v], address)))
      block.store(sums, totals)
    })
  })
}

/** sums[c] = Σ (x[·, c] − mean[c])² */
function channelSquares(form: string, lanes: Lanes, unroll: number): FunctionCode {
  const types = ['i32', 'i32', 'i32', 'i32', 'i32'] as const
  return define(`channelSquares${form}`, types, (f, x, mean, sums, rows, row) => {
    eachBlock(f, lanes, unroll, row, (block) => {
      const totals = block.constants(0)
      const means = block.load(mean)
      block.eachRow(rows, [x], ([value], v) => {
        const distance = f.let(lanes.sub(value, means[v]))
        f.set(totals[v], lanes.add(totals[v], lanes.mul(distance, distance)))
      })
      block.store(sums, totals)
    })
  })
}

/** y = clamp(x · scale + shift, low, high) */
function normalise(form: string, lanes: Lanes, unroll: number): FunctionCode {
  const types = ['i32', 'i32', 'i32', 'f32', 'f32', 'i32', 'i32', 'i32'] as const
  return define(`normalise${form}`, types, (f, x, scale, shift, low, high, y, rows, row) => {
    const [floor, ceiling] = [f.let(lanes.splat(low)), f.let(lanes.splat(high))]
    eachBlock(f, lanes, unroll, row, (block) => {
      const [scales, shifts] = [block.load(scale), block.load(shift)]
      const clamped = ([value]: Local[], v: number) => {
        const z = lanes.add(lanes.mul(value, scales[v]), shifts[v])
        return lanes.min(lanes.max(z, floor), ceiling)
      }
      block.eachRow(rows, [x], clamped, y)
    })
  })
}

/** With g = dy where low < z ≤ high, else 0: sums[c] = Σ g, products[c] = Σ g · (x − mean[c]) */
function normaliseGradSums(form: string, lanes: Lanes, unroll: number): FunctionCode {
  const types = [
    'i32',
    'i32',
    'i32',
    'i32',
    'f32',
    'f32',
    'i32',
    'i32',
    'i32',
    'i32',
    'i32',
  ] as const
  return define(`normaliseGradSums${form}`, types, (f, ...parameters) => {
    const [dy, x, scale, shift, low, high, mean, sums, products, rows, row] = parameters
    const masked = gate(f, lanes, low, high)
    // two vectors: more would not fit the 16 registers
    eachBlock(f, lanes, Math.min(unroll, 2), row, (block) => {
      const [scales, shifts, means] = [scale, shift, mean].map((each) => block.load(each))
      const [totals, weighted] = [block.constants(0), block.constants(0)]
      block.eachRow(rows, [dy, x], ([gradient, value], v) => {
        const g = masked(gradient, value, scales[v], shifts[v])
        f.set(totals[v], lanes.add(totals[v], g))
        const product = lanes.mul(g, lanes.sub(value, means[v]))
        f.set(weighted[v], lanes.add(weighted[v], product))
      })
      block.store(sums, totals)
      block.store(products, weighted)
    })
  })
}

/** dx = scale · g + (x − mean) · slope + offset, g as above; dx may be dy */
function normaliseGrad(form: string, lanes: Lanes, unroll: number): FunctionCode {
  const types = [
    'i32',
    'i32',
    'i32',
    'i32',
    'f32',
    'f32',
    'i32',
    'i32',
    'i32',
    'i32',
    'i32',
    'i32',
  ] as const
  return define(`normaliseGrad${form}`, types, (f, ...parameters) => {
    const [dy, x, scale, shift, low, high, mean, slope, offset, dx, rows, row] = parameters
    const masked = gate(f, lanes, low, high)
    eachBlock(f, lanes, Math.min(unroll, 2), row, (block) => {
      const [scales, shifts, means] = [scale, shift, mean].map((each) => block.load(each))
      const [slopes, offsets] = [block.load(slope), block.load(offset)]
      const passed = ([gradient, value]: Local[], v: number) => {
        const direct = lanes.mul(scales[v], masked(gradient, value, scales[v], shifts[v]))
        const through = lanes.mul(lanes.sub(value, means[v]), slopes[v])
        return lanes.add(lanes.add(direct, through), offsets[v])
      }
      block.eachRow(rows, [dy, x], passed, dx)
    })
  })
}

/** The gradient where the activation lets it through. */
function gate(f: Emitter, lanes: Lanes, low: Local, high: Local) {
  const floor = f.let(lanes.splat(low))
  const ceiling = f.let(lanes.splat(high))
  const zero = f.let(lanes.constant(0))
  return (gradient: Local, value: Local, scale: Local, shift: Local): Local => {
    const z = f.let(lanes.add(lanes.mul(value, scale), shift))
    const inside = lanes.both(lanes.gt(z, floor), lanes.le(z, ceiling))
    return f.let(lanes.select(gradient, zero, inside))
  }
}

/** `unroll` vectors of neighbouring channels. */
interface Block {
  constants(value: number): Local[]
  /** This block's part of a [channels] vector. */
  load(pointer: Local): Local[]
  store(pointer: Local, values: readonly Local[]): void
  /** Visits each row and vector with the values of `inputs` there; returns what goes to `output`. */
  eachRow(
    rows: Local,
    inputs: readonly Local[],
    body: (values: Local[], vector: number) => Expr | void,
    output?: Local,
  ): void
}

function eachBlock(
  f: Emitter,
  lanes: Lanes,
  unroll: number,
  row: Local,
  body: (block: Block) => void,
): void {
  const vectors = Array.from({ length: unroll }, (_, index) => index)
  f.range(0, row, unroll * lanes.bytes, (column) => {
    const here = (pointer: Local) => f.let(i32.add(pointer, column))
    body({
      constants: (value) => vectors.map(() => f.let(lanes.constant(value))),
      load(pointer) {
        const address = here(pointer)
        return vectors.map((v) => f.let(lanes.load(address, v * lanes.bytes)))
      },
      store(pointer, values) {
        const address = here(pointer)
        values.forEach((value, v) => f.run(lanes.store(address, value, v * lanes.bytes)))
      },
      eachRow(rows, inputs, visit, output) {
        const sources = inputs.map(here)
        const target = output === undefined ? undefined : here(output)
        f.range(0, rows, 1, () => {
          for (const v of vectors) {
            const values = sources.map((each) => f.let(lanes.load(each, v * lanes.bytes)))
            const result = visit(values, v)
            if (target && result) f.run(lanes.store(target, result, v * lanes.bytes))
          }
          for (const each of sources) f.set(each, i32.add(each, row))
          if (target) f.set(target, i32.add(target, row))
        })
      },
    })
  })
}
