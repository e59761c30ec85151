import { define, i32, type Emitter, type FunctionCode, type Local } from './assembler.js'
import { scalar, vector, type Lanes } from './lanes.js'
import { eachWindow, geometryOf, GEOMETRY } from './windows.js'

/**
 * Convolution as matrix product: each window of an image as one row of
 * kernelHeight × kernelWidth × channels values. In NHWC the cells of one kernel
 * row lie side by side, so a row is copied in at most kernelHeight pieces.
 */
export function patchKernels(): FunctionCode[] {
  return [
    gather(vector, 'patchesVector'),
    gather(scalar, 'patchesScalar'),
    scatter(vector, 'unpatchVector'),
    scatter(scalar, 'unpatchScalar'),
  ]
}

const PARAMETERS = ['image', 'patches', 'rowFrom', 'rowTo', ...GEOMETRY].map(() => 'i32' as const)

/** patches = windows of output rows [rowFrom, rowTo), zero outside the image. */
function gather(lanes: Lanes, name: string): FunctionCode {
  return define(name, PARAMETERS, (f, image, patches, rowFrom, rowTo, ...rest) => {
    const g = geometryOf(rest)
    const { inHeight, inWidth, kernelHeight, kernelWidth, pixel } = g
    const target = f.let(patches)
    eachWindow(f, g, rowFrom, rowTo, ({ top, left, columnFrom, columnTo }) => {
      const before = f.let(i32.mul(columnFrom, pixel))
      const inside = f.let(i32.mul(i32.sub(columnTo, columnFrom), pixel))
      const line = f.let(i32.mul(kernelWidth, pixel))
      f.range(0, kernelHeight, 1, (row) => {
        const start = f.let(target)
        f.set(target, i32.add(target, line))
        const inputRow = f.let(i32.add(top, row))
        f.when(
          // one unsigned comparison: a negative row is a very large one
          i32.below(inputRow, inHeight),
          () => {
            const copied = f.let(i32.add(start, before))
            const column = i32.add(i32.mul(inputRow, inWidth), i32.add(left, columnFrom))
            clear(f, lanes, start, copied)
            const source = f.let(i32.add(image, i32.mul(column, pixel)))
            const end = f.let(i32.add(copied, inside))
            f.range(copied, end, lanes.bytes, (address) => {
              f.run(lanes.store(address, lanes.load(source)))
              f.set(source, i32.add(source, lanes.bytes))
            })
            clear(f, lanes, end, target)
          },
          () => clear(f, lanes, start, target),
        )
      })
    })
  })
}

/** image += patches, each value at the cell it was taken from. */
function scatter(lanes: Lanes, name: string): FunctionCode {
  return define(name, PARAMETERS, (f, image, patches, from, to, ...rest) => {
    const g = geometryOf(rest)
    const { inWidth, kernelHeight, kernelWidth, pixel } = g
    const patch = f.let(patches)
    eachWindow(f, g, from, to, ({ top, left, rowFrom, rowTo, columnFrom, columnTo }) => {
      const inside = f.let(i32.mul(i32.sub(columnTo, columnFrom), pixel))
      f.range(rowFrom, rowTo, 1, (row) => {
        const tap = i32.add(i32.mul(row, kernelWidth), columnFrom)
        const source = f.let(i32.add(patch, i32.mul(tap, pixel)))
        const cell = i32.add(i32.mul(i32.add(top, row), inWidth), i32.add(left, columnFrom))
        const start = f.let(i32.add(image, i32.mul(cell, pixel)))
        f.range(start, i32.add(start, inside), lanes.bytes, (address) => {
          f.run(lanes.store(address, lanes.add(lanes.load(address), lanes.load(source))))
          f.set(source, i32.add(source, lanes.bytes))
        })
      })
      f.set(patch, i32.add(patch, i32.mul(i32.mul(kernelHeight, kernelWidth), pixel)))
    })
  })
}

function clear(f: Emitter, lanes: Lanes, from: Local, to: Local): void {
  f.range(from, to, lanes.bytes, (address) => f.run(lanes.store(address, lanes.constant(0))))
}
