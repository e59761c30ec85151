import { GEOMETRY, type Geometry } from '../wasm/windows.js'

/** A batch of images under a sliding window; NHWC, sizes in cells. */
export interface WindowShape {
  readonly count: number
  readonly inHeight: number
  readonly inWidth: number
  readonly channels: number
  readonly outHeight: number
  readonly outWidth: number
  readonly kernelHeight: number
  readonly kernelWidth: number
  readonly strideHeight: number
  readonly strideWidth: number
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
}

/** A convolution's window; the kernel is [kernelHeight, kernelWidth, channels, filters]. */
export interface ConvShape extends WindowShape {
  readonly filters: number
}

/** What tfjs' `backend_util.compute…Info` answers, as far as it is used. */
export interface TfjsWindow {
  readonly batchSize: number
  readonly inHeight: number
  readonly inWidth: number
  readonly inChannels: number
  readonly outHeight: number
  readonly outWidth: number
  readonly filterHeight: number
  readonly filterWidth: number
  readonly strideHeight: number
  readonly strideWidth: number
  readonly padInfo: { top: number; bottom: number; left: number; right: number }
}

export function fromTfjs(info: TfjsWindow): WindowShape {
  return {
    count: info.batchSize,
    inHeight: info.inHeight,
    inWidth: info.inWidth,
    channels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    kernelHeight: info.filterHeight,
    kernelWidth: info.filterWidth,
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    top: info.padInfo.top,
    bottom: info.padInfo.bottom,
    left: info.padInfo.left,
    right: info.padInfo.right,
  }
}

/** In the order of `GEOMETRY`, as the wasm kernels take it. */
export function geometryArguments(shape: WindowShape): number[] {
  const geometry: Geometry<number> = { ...shape, pixel: shape.channels * 4 }
  return GEOMETRY.map((name) => geometry[name])
}

/** Floats of one input and one output image. */
export function imageSizes(shape: WindowShape): { input: number; output: number } {
  return {
    input: shape.inHeight * shape.inWidth * shape.channels,
    output: shape.outHeight * shape.outWidth * shape.channels,
  }
}
