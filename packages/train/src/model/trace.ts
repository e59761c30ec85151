import { KaitianError } from '@kaitian/errors'
import { checkLayer, type Shape } from './check.js'
import type { Layer, ModelDescription, Residual, TensorSlot } from './model.js'
import { windowAxis } from './window.js'

/** A layer with its name, shapes and tensors: what an engine compiles. */
export interface TracedLayer {
  /** Path from the model's head: `3.residual.body.1.groupNorm`. */
  readonly name: string
  readonly layer: Layer
  readonly input: Shape
  readonly output: Shape
  /** Tensors of this layer alone, without those of a residual's branches. */
  readonly tensors: readonly TensorDeclaration[]
  readonly multiplyAdds: number
  /** Branches of a residual; empty otherwise. */
  readonly body: readonly TracedLayer[]
  readonly shortcut: readonly TracedLayer[]
}

export type TensorDeclaration = Pick<TensorSlot, 'name' | 'role' | 'shape'>

/** Follows the shapes through all layers; throws BAD_MODEL at the first layer that does not fit. */
export function traceLayers(description: ModelDescription): TracedLayer[] {
  return traceChain(description.layers, description.input, '')
}

/** All layers, those inside residuals included, in the order of the layout. */
export function* walk(layers: readonly TracedLayer[]): Generator<TracedLayer> {
  for (const layer of layers) {
    yield layer
    yield* walk(layer.body)
    yield* walk(layer.shortcut)
  }
}

function traceChain(layers: readonly Layer[], input: Shape, prefix: string): TracedLayer[] {
  let shape = input
  return layers.map((layer: Layer | undefined, index) => {
    // a hole in the list is refused by its name, not by a TypeError
    const traced = traceLayer(layer as Layer, shape, `${prefix}${index}.${String(layer?.kind)}`)
    shape = traced.output
    return traced
  })
}

function traceLayer(layer: Layer, input: Shape, name: string): TracedLayer {
  checkLayer(layer, input, name)
  if (layer.kind === 'residual') return traceResidual(layer, input, name)
  const output = outputOf(layer, input)
  const tensors = tensorsOf(layer, input, name)
  const multiplyAdds = multiplyAddsOf(layer, input, output)
  return { name, layer, input, output, tensors, multiplyAdds, body: [], shortcut: [] }
}

function traceResidual(layer: Residual, input: Shape, name: string): TracedLayer {
  const body = traceChain(layer.body, input, `${name}.body.`)
  const shortcut = traceChain(layer.shortcut, input, `${name}.shortcut.`)
  const output = joinBranches(name, body.at(-1)?.output ?? input, shortcut.at(-1)?.output ?? input)
  return { name, layer, input, output, body, shortcut, tensors: [], multiplyAdds: 0 }
}

type Plain = Exclude<Layer, Residual>

function outputOf(layer: Plain, input: Shape): Shape {
  const channels = channelsOf(input)
  switch (layer.kind) {
    case 'conv2d':
      return windowed(input, layer.kernel, layer.stride, layer.padding, layer.filters)
    case 'depthwiseConv2d':
      return windowed(input, layer.kernel, layer.stride, layer.padding, channels)
    case 'maxPool':
    case 'averagePool':
      return windowed(input, layer.size, layer.stride, layer.padding, channels)
    case 'dense':
      return [layer.units]
    case 'globalAveragePool':
      return [channels]
    case 'flatten':
      return [sizeOf(input)]
    default:
      return input
  }
}

function tensorsOf(layer: Plain, input: Shape, name: string): TensorDeclaration[] {
  const channels = channelsOf(input)
  const tensor = (part: string, shape: Shape, role: TensorSlot['role'] = 'weight') => ({
    name: `${name}.${part}`,
    role,
    shape,
  })
  const withBias = (kernel: Shape, bias: boolean) => [
    tensor('kernel', kernel),
    ...(bias ? [tensor('bias', kernel.slice(-1))] : []),
  ]
  const norm = () => [tensor('scale', [channels]), tensor('bias', [channels])]
  switch (layer.kind) {
    case 'conv2d':
      return withBias([layer.kernel, layer.kernel, channels, layer.filters], layer.bias)
    case 'depthwiseConv2d':
      return withBias([layer.kernel, layer.kernel, channels], layer.bias)
    case 'dense':
      return withBias([channels, layer.units], layer.bias)
    case 'groupNorm':
      return norm()
    case 'batchNorm': {
      const mean = tensor('mean', [channels], 'statistic')
      return [...norm(), mean, tensor('variance', [channels], 'statistic')]
    }
    default:
      return []
  }
}

/** Of convolutions and dense layers; what the others cost is small beside them. */
function multiplyAddsOf(layer: Plain, input: Shape, output: Shape): number {
  switch (layer.kind) {
    case 'conv2d':
      return sizeOf(output) * layer.kernel ** 2 * channelsOf(input)
    case 'depthwiseConv2d':
      return sizeOf(output) * layer.kernel ** 2
    case 'dense':
      return channelsOf(input) * layer.units
    default:
      return 0
  }
}

/** The last axis: channels of an image, or all features. */
function channelsOf(shape: Shape): number {
  return shape[shape.length - 1]
}

function joinBranches(name: string, body: Shape, shortcut: Shape): Shape {
  if (body.length === shortcut.length && body.every((size, axis) => size === shortcut[axis])) {
    return body
  }
  throw new KaitianError(
    'BAD_MODEL',
    `Layer ${name}: the body ends with shape [${body.join(', ')}] and the shortcut with ` +
      `[${shortcut.join(', ')}]; they are added, so give the shortcut a convolution with the ` +
      `body's filters and stride.`,
    { fields: { layer: name, body: [...body], shortcut: [...shortcut] } },
  )
}

function windowed(
  input: Shape,
  size: number,
  stride: number,
  padding: 'same' | 'valid',
  channels: number,
): Shape {
  const [height, width] = input
  return [
    windowAxis(height, size, stride, padding).output,
    windowAxis(width, size, stride, padding).output,
    channels,
  ]
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1)
}
