import { define, i32, type Emitter, type FunctionCode, type Local } from './assembler.js'
import { scalar, toF32, vector, type Lanes } from './lanes.js'
import {
  eachCell,
  eachWindow,
  geometryOf,
  GEOMETRY,
  type Geometry,
  type Window,
} from './windows.js'

/** Pooling and depthwise convolution of one image: what works channel by channel. */
export function windowKernels(): FunctionCode[] {
  return [
    ...forms('maxPool', maxPool),
    ...forms('maxPoolGrad', maxPoolGrad),
    ...forms('averagePool', averagePool),
    ...forms('averagePoolGrad', averagePoolGrad),
    ...forms('depthwiseInputGrad', depthwiseInputGrad),
    ...forms('depthwiseFilterGrad', depthwiseFilterGrad),
  ]
}

/** A body sees its pointers, one window with the output's address, and a block of channels. */
type Body = (at: {
  f: Emitter
  lanes: Lanes
  pointers: readonly Local[]
  /** Bytes from the head of the output image to this window's pixel and channel block. */
  output: Local
  column: Local
  size: Local
  cells: (image: Local, body: (cell: Local, tap: Local) => void) => void
}) => void

function forms(name: string, body: Body): FunctionCode[] {
  return [form(`${name}Vector`, vector, body), form(`${name}Scalar`, scalar, body)]
}

function form(name: string, lanes: Lanes, body: Body): FunctionCode {
  const parameters = ['p', 'q', 'r', 's', 'outHeight', ...GEOMETRY].map(() => 'i32' as const)
  return define(name, parameters, (f, p, q, r, s, outHeight, ...rest) => {
    const g: Geometry<Local> = geometryOf(rest)
    const pixelOut = f.let(0)
    eachWindow(f, g, 0, outHeight, (window) => {
      const size = f.let(windowSize(window))
      f.range(0, g.pixel, lanes.bytes, (column) => {
        const output = f.let(i32.add(pixelOut, column))
        const cells = (image: Local, visit: (cell: Local, tap: Local) => void) =>
          eachCell(f, g, window, image, column, visit)
        body({ f, lanes, pointers: [p, q, r, s], output, column, size, cells })
      })
      f.set(pixelOut, i32.add(pixelOut, g.pixel))
    })
  })
}

function windowSize({ rowFrom, rowTo, columnFrom, columnTo }: Window) {
  return i32.mul(i32.sub(rowTo, rowFrom), i32.sub(columnTo, columnFrom))
}

/** (x, y) */
const maxPool: Body = ({ f, lanes, pointers: [x, y], output, cells }) => {
  const best = f.let(lanes.constant(-Infinity))
  cells(x, (cell) => f.set(best, lanes.max(best, lanes.load(cell))))
  f.run(lanes.store(i32.add(y, output), best))
}

/**
 * (x, y, dy, dx): dx += dy at the window's first maximum. Compares with the
 * output itself, so windows of negative values are right (the stock kernel
 * starts from 0 and loses them).
 */
const maxPoolGrad: Body = ({ f, lanes, pointers: [x, y, dy, dx], output, cells }) => {
  const best = f.let(lanes.load(i32.add(y, output)))
  const left = f.let(lanes.load(i32.add(dy, output)))
  const zero = f.let(lanes.constant(0))
  const shift = f.let(i32.sub(dx, x))
  cells(x, (cell) => {
    const hit = f.let(lanes.eq(lanes.load(cell), best))
    const target = f.let(i32.add(cell, shift))
    f.run(lanes.store(target, lanes.add(lanes.load(target), lanes.select(left, zero, hit))))
    f.set(left, lanes.select(zero, left, hit))
  })
}

/** (x, y) */
const averagePool: Body = ({ f, lanes, pointers: [x, y], output, size, cells }) => {
  const sum = f.let(lanes.constant(0))
  cells(x, (cell) => f.set(sum, lanes.add(sum, lanes.load(cell))))
  f.run(lanes.store(i32.add(y, output), lanes.div(sum, lanes.splat(toF32(size)))))
}

/** (dy, dx): dx += dy / cells of the window inside the image */
const averagePoolGrad: Body = ({ f, lanes, pointers: [dy, dx], output, size, cells }) => {
  const share = f.let(lanes.div(lanes.load(i32.add(dy, output)), lanes.splat(toF32(size))))
  cells(dx, (cell) => f.run(lanes.store(cell, lanes.add(lanes.load(cell), share))))
}

/** (dy, kernel, dx): dx += dy · kernel */
const depthwiseInputGrad: Body = ({ f, lanes, pointers: [dy, kernel, dx], output, cells }) => {
  const gradient = f.let(lanes.load(i32.add(dy, output)))
  cells(dx, (cell, tap) => {
    const weighted = lanes.mul(gradient, lanes.load(i32.add(kernel, tap)))
    f.run(lanes.store(cell, lanes.add(lanes.load(cell), weighted)))
  })
}

/** (x, dy, dKernel): dKernel += x · dy */
const depthwiseFilterGrad: Body = ({ f, lanes, pointers: [x, dy, dKernel], output, cells }) => {
  const gradient = f.let(lanes.load(i32.add(dy, output)))
  cells(x, (cell, tap) => {
    const target = f.let(i32.add(dKernel, tap))
    const product = lanes.mul(gradient, lanes.load(cell))
    f.run(lanes.store(target, lanes.add(lanes.load(target), product)))
  })
}
