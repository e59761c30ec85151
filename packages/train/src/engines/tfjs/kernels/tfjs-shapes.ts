import { KaitianError } from '@kaitian/errors'
import { backend_util } from '@tensorflow/tfjs-core'
import { fromTfjs, type ConvShape, type WindowShape } from './conv-shape.js'

export type Shape4 = [number, number, number, number]

type Padding = Parameters<typeof backend_util.computeConv2DInfo>[4]

/** Attributes of tfjs' convolution kernels, as far as they are used. */
export interface ConvAttributes {
  readonly strides: number | [number, number]
  readonly pad: Padding
  readonly dataFormat?: 'NHWC' | 'NCHW'
  readonly dilations?: number | [number, number]
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
}

export interface PoolAttributes {
  readonly filterSize: number | [number, number]
  readonly strides: number | [number, number]
  readonly pad: Padding
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
}

export function convShapeOf(attributes: ConvAttributes, input: Shape4, filter: Shape4): ConvShape {
  refuseOthers(attributes)
  return { ...convWindow(attributes, input, filter, false), filters: filter[3] }
}

/** The filter is [height, width, channels, 1]. */
export function depthwiseShapeOf(
  attributes: ConvAttributes,
  input: Shape4,
  filter: Shape4,
): WindowShape {
  refuseOthers(attributes)
  if (filter[3] !== 1) {
    throw new KaitianError(
      'UNSUPPORTED_OP',
      `The depthwise gradients work with one filter a channel, not ${filter[3]}; use a conv2d.`,
    )
  }
  return convWindow(attributes, input, filter, true)
}

export function poolShapeOf(attributes: PoolAttributes, input: Shape4): WindowShape {
  const { filterSize, strides, pad, dimRoundingMode } = attributes
  const info = backend_util.computePool2DInfo(input, filterSize, strides, 1, pad, dimRoundingMode)
  return fromTfjs(info)
}

function convWindow(
  { strides, pad, dimRoundingMode }: ConvAttributes,
  input: Shape4,
  filter: Shape4,
  depthwise: boolean,
): WindowShape {
  const info = backend_util.computeConv2DInfo(
    input,
    filter,
    strides,
    1,
    pad,
    dimRoundingMode,
    depthwise,
  )
  return fromTfjs(info)
}

function refuseOthers({ dataFormat = 'NHWC', dilations = 1 }: ConvAttributes): void {
  if (dataFormat === 'NHWC' && [dilations].flat().every((dilation) => dilation === 1)) return
  throw new KaitianError(
    'UNSUPPORTED_OP',
    `Gradients of convolutions are there for NHWC without dilation, not ${dataFormat} with ${String(dilations)}.`,
  )
}
