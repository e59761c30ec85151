import { KaitianError } from '@kaitian/errors'
import { checkLayer, type Shape } from './check.js'
import type { Layer, ModelDescription, TensorSlot } from './model.js'
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
  return layers.map((layer, index) => {
    const traced = traceLayer(layer, shape, `${prefix}${index}.${String(layer?.kind)}`)
    shape = traced.output
    return traced
  })
}

function traceLayer(layer: Layer, input: Shape, name: string): TracedLayer {
  checkLayer(layer, input, name)
  const plain = { name, layer, input, body: [], shortcut: [] }
  const tensor = (part: string, shape: Shape, role: TensorSlot['role'] = 'weight') => ({
    name: `${name}.${part}`,
    role,
    shape,
  })
  const biasOf = (wanted: boolean, size: number) => (wanted ? [tensor('bias', [size])] : [])
  const channels = input[input.length - 1]

  switch (layer.kind) {
    case 'conv2d': {
      const output = windowed(input, layer.kernel, layer.stride, layer.padding, layer.filters)
      const kernel = [layer.kernel, layer.kernel, channels, layer.filters]
      const tensors = [tensor('kernel', kernel), ...biasOf(layer.bias, layer.filters)]
      return {
        ...plain,
        output,
        tensors,
        multiplyAdds: sizeOf(output) * layer.kernel ** 2 * channels,
      }
    }
    case 'depthwiseConv2d': {
      const output = windowed(input, layer.kernel, layer.stride, layer.padding, channels)
      const kernel = [layer.kernel, layer.kernel, channels]
      const tensors = [tensor('kernel', kernel), ...biasOf(layer.bias, channels)]
      return { ...plain, output, tensors, multiplyAdds: sizeOf(output) * layer.kernel ** 2 }
    }
    case 'dense': {
      const kernel = tensor('kernel', [channels, layer.units])
      const tensors = [kernel, ...biasOf(layer.bias, layer.units)]
      return { ...plain, output: [layer.units], tensors, multiplyAdds: channels * layer.units }
    }
    case 'groupNorm':
    case 'batchNorm': {
      const tensors = [tensor('scale', [channels]), tensor('bias', [channels])]
      const running =
        layer.kind === 'groupNorm'
          ? []
          : [tensor('mean', [channels], 'statistic'), tensor('variance', [channels], 'statistic')]
      return { ...plain, output: input, tensors: [...tensors, ...running], multiplyAdds: 0 }
    }
    case 'maxPool':
    case 'averagePool': {
      const output = windowed(input, layer.size, layer.stride, layer.padding, channels)
      return { ...plain, output, tensors: [], multiplyAdds: 0 }
    }
    case 'globalAveragePool':
      return { ...plain, output: [channels], tensors: [], multiplyAdds: 0 }
    case 'flatten':
      return { ...plain, output: [sizeOf(input)], tensors: [], multiplyAdds: 0 }
    case 'relu':
    case 'relu6':
      return { ...plain, output: input, tensors: [], multiplyAdds: 0 }
    case 'residual': {
      const body = traceChain(layer.body, input, `${name}.body.`)
      const shortcut = traceChain(layer.shortcut, input, `${name}.shortcut.`)
      const output = joinBranches(
        name,
        body.at(-1)?.output ?? input,
        shortcut.at(-1)?.output ?? input,
      )
      return { name, layer, input, output, body, shortcut, tensors: [], multiplyAdds: 0 }
    }
  }
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
