import { i32, type Emitter, type Local, type Operand } from './assembler.js'

/** How a window slides over one image; sizes in cells, `pixel` in bytes (channels × 4). */
export interface Geometry<Value> {
  readonly inHeight: Value
  readonly inWidth: Value
  readonly outWidth: Value
  readonly kernelHeight: Value
  readonly kernelWidth: Value
  readonly strideHeight: Value
  readonly strideWidth: Value
  /** Padding before the first row and column. */
  readonly top: Value
  readonly left: Value
  readonly pixel: Value
}

/** In the order of the functions' parameters. */
export const GEOMETRY = [
  'inHeight',
  'inWidth',
  'outWidth',
  'kernelHeight',
  'kernelWidth',
  'strideHeight',
  'strideWidth',
  'top',
  'left',
  'pixel',
] as const satisfies readonly (keyof Geometry<number>)[]

/** Names the parameters that carry a geometry. */
export function geometryOf(parameters: readonly Local[]): Geometry<Local> {
  return Object.fromEntries(
    GEOMETRY.map((name, i) => [name, parameters[i]]),
  ) as unknown as Geometry<Local>
}

/** One position of the window; the ranges hold the kernel's rows and columns that lie inside the image. */
export interface Window {
  readonly top: Local
  readonly left: Local
  readonly rowFrom: Local
  readonly rowTo: Local
  readonly columnFrom: Local
  readonly columnTo: Local
}

/** Visits the windows of output rows [from, to), left to right. */
export function eachWindow(
  f: Emitter,
  geometry: Geometry<Local>,
  from: Operand,
  to: Operand,
  body: (window: Window) => void,
): void {
  const g = geometry
  f.range(from, to, 1, (row) => {
    const top = f.let(i32.sub(i32.mul(row, g.strideHeight), g.top))
    const rowFrom = f.let(i32.max(0, i32.sub(0, top)))
    const rowTo = f.let(i32.min(g.kernelHeight, i32.sub(g.inHeight, top)))
    f.range(0, g.outWidth, 1, (column) => {
      const left = f.let(i32.sub(i32.mul(column, g.strideWidth), g.left))
      const columnFrom = f.let(i32.max(0, i32.sub(0, left)))
      const columnTo = f.let(i32.min(g.kernelWidth, i32.sub(g.inWidth, left)))
      body({ top, left, rowFrom, rowTo, columnFrom, columnTo })
    })
  })
}

/**
 * Visits a window's cells inside the image. `cell` is the address of the
 * image's pixel, `tap` the byte offset of the kernel's, both moved by `column`
 * bytes (a block of channels).
 */
export function eachCell(
  f: Emitter,
  geometry: Geometry<Local>,
  window: Window,
  image: Local,
  column: Operand,
  body: (cell: Local, tap: Local) => void,
): void {
  const { inWidth, kernelWidth, pixel } = geometry
  const { top, left, rowFrom, rowTo, columnFrom, columnTo } = window
  f.range(rowFrom, rowTo, 1, (row) => {
    const cell = f.let(
      i32.add(
        i32.add(image, column),
        i32.mul(i32.add(i32.mul(i32.add(top, row), inWidth), i32.add(left, columnFrom)), pixel),
      ),
    )
    const tap = f.let(
      i32.add(column, i32.mul(i32.add(i32.mul(row, kernelWidth), columnFrom), pixel)),
    )
    f.range(columnFrom, columnTo, 1, () => {
      body(cell, tap)
      f.set(cell, i32.add(cell, pixel))
      f.set(tap, i32.add(tap, pixel))
    })
  })
}
