import { RecordError } from '../failure.js'
import {
  tensorsAt,
  type Description,
  type LayerDescription,
  type ResidualDescription,
  type Tensor,
} from '../model.js'
import { Flatten, Rectifier } from './activation.js'
import { Conv2d } from './conv2d.js'
import { Dense } from './dense.js'
import { DepthwiseConv2d } from './depthwise.js'
import { sizeOf, type Layer, type Parameter } from './layer.js'
import { BatchNorm, GroupNorm, type Scaling } from './normalisation.js'
import { AveragePool, GlobalAveragePool, MaxPool } from './pool.js'
import { windowOver, type Window } from './window.js'

type Shape = readonly number[]
type Of<Kind extends LayerDescription['kind']> = Extract<LayerDescription, { kind: Kind }>

/**
 * Builds the network over `state`; gradients are added up in `sum`, which has
 * the same layout.
 *
 * @throws RecordError when tensors and layers do not fit together.
 */
export function buildNetwork(
  description: Description,
  tensors: readonly Tensor[],
  state: Float64Array,
  sum: Float64Array,
): Layer {
  const builder = new Builder(tensors, state, sum)
  const network = builder.sequence(description.layers, '', description.input)
  builder.finish()
  if (network.shape.length !== 1 || network.shape[0] !== description.classes) {
    throw new RecordError(
      `the model ends in [${network.shape.join(', ')}], not in ${description.classes} classes`,
    )
  }
  return network
}

class Sequence implements Layer {
  readonly shape: Shape
  readonly #layers: readonly Layer[]

  constructor(shape: Shape, layers: readonly Layer[]) {
    this.shape = shape
    this.#layers = layers
  }

  forward(input: Float64Array, samples: number): Float64Array {
    return this.#layers.reduce((value, layer) => layer.forward(value, samples), input)
  }

  backward(outputGradient: Float64Array): Float64Array {
    return this.#layers.reduceRight((gradient, layer) => layer.backward(gradient), outputGradient)
  }
}

class Residual implements Layer {
  readonly shape: Shape
  readonly #body: Layer
  readonly #shortcut: Layer

  constructor(body: Layer, shortcut: Layer) {
    this.shape = body.shape
    this.#body = body
    this.#shortcut = shortcut
  }

  forward(input: Float64Array, samples: number): Float64Array {
    return added(this.#body.forward(input, samples), this.#shortcut.forward(input, samples))
  }

  backward(outputGradient: Float64Array): Float64Array {
    return added(this.#body.backward(outputGradient), this.#shortcut.backward(outputGradient))
  }
}

/** A new array: either operand may be somebody else's. */
function added(left: Float64Array, right: Float64Array): Float64Array {
  return left.map((value, at) => value + right[at])
}

/** Binds layers to tensors while it follows the shape through them. */
class Builder {
  readonly #tensors: readonly Tensor[]
  readonly #state: Float64Array
  readonly #sum: Float64Array
  readonly #unbound: Set<Tensor>

  constructor(tensors: readonly Tensor[], state: Float64Array, sum: Float64Array) {
    this.#tensors = tensors
    this.#state = state
    this.#sum = sum
    this.#unbound = new Set(tensors)
  }

  finish(): void {
    for (const tensor of this.#unbound) {
      throw new RecordError(`tensor ${tensor.name} belongs to no layer of the model`)
    }
  }

  sequence(layers: readonly LayerDescription[], prefix: string, input: Shape): Layer {
    let shape = input
    const built = layers.map((layer, index) => {
      const next = this.#layer(layer, `${prefix}${index}.${layer.kind}.`, shape)
      shape = next.shape
      return next
    })
    return new Sequence(shape, built)
  }

  #layer(layer: LayerDescription, path: string, input: Shape): Layer {
    switch (layer.kind) {
      case 'conv2d':
        return this.#conv2d(layer, path, input)
      case 'depthwiseConv2d':
        return this.#depthwise(layer, path, input)
      case 'dense':
        return this.#dense(layer, path, input)
      case 'groupNorm':
        return this.#groupNorm(layer, path, input)
      case 'batchNorm':
        return this.#batchNorm(layer, path, input)
      case 'relu':
        return new Rectifier(input, Infinity)
      case 'relu6':
        return new Rectifier(input, 6)
      case 'maxPool':
        return new MaxPool(windowOver(input, layer))
      case 'averagePool':
        return new AveragePool(windowOver(input, layer))
      case 'globalAveragePool':
        return new GlobalAveragePool(input)
      case 'flatten':
        return new Flatten(sizeOf(input))
      case 'residual':
        return this.#residual(layer, path, input)
      default:
        throw new RecordError(`unknown layer kind ${(layer as { kind: string }).kind} at ${path}`)
    }
  }

  #conv2d(layer: Of<'conv2d'>, path: string, input: Shape): Layer {
    const window: Window = windowOver(input, { ...layer, size: layer.kernel })
    const sizes = [layer.kernel ** 2 * window.channels * layer.filters]
    if (layer.bias) sizes.push(layer.filters)
    const [kernel, bias] = this.#take(path, 'weight', sizes)
    return new Conv2d(window, layer.filters, kernel, bias)
  }

  #depthwise(layer: Of<'depthwiseConv2d'>, path: string, input: Shape): Layer {
    const window = windowOver(input, { ...layer, size: layer.kernel })
    const sizes = [layer.kernel ** 2 * window.channels]
    if (layer.bias) sizes.push(window.channels)
    const [kernel, bias] = this.#take(path, 'weight', sizes)
    return new DepthwiseConv2d(window, kernel, bias)
  }

  #dense(layer: Of<'dense'>, path: string, input: Shape): Layer {
    if (input.length !== 1) throw new RecordError(`${path} needs a flat input`)
    const sizes = [input[0] * layer.units]
    if (layer.bias) sizes.push(layer.units)
    const [kernel, bias] = this.#take(path, 'weight', sizes)
    return new Dense(input[0], layer.units, kernel, bias)
  }

  #groupNorm(layer: Of<'groupNorm'>, path: string, input: Shape): Layer {
    if (input[input.length - 1] % layer.groups !== 0) {
      throw new RecordError(`${path} cannot split its channels into ${layer.groups} groups`)
    }
    return new GroupNorm(input, layer.groups, this.#scaling(layer, path, input))
  }

  #batchNorm(layer: Of<'batchNorm'>, path: string, input: Shape): Layer {
    const channels = input[input.length - 1]
    const [means, variances] = this.#take(path, 'statistic', [channels, channels])
    return new BatchNorm(input, this.#scaling(layer, path, input), { means, variances })
  }

  #scaling(layer: { epsilon: number }, path: string, input: Shape): Scaling {
    const channels = input[input.length - 1]
    const [scale, offset] = this.#take(path, 'weight', [channels, channels])
    return { scale, offset, epsilon: layer.epsilon }
  }

  #residual(layer: ResidualDescription, path: string, input: Shape): Layer {
    const body = this.sequence(layer.body, `${path}body.`, input)
    const shortcut = this.sequence(layer.shortcut, `${path}shortcut.`, input)
    if (body.shape.join() !== shortcut.shape.join()) {
      throw new RecordError(`body and shortcut of ${path} end in different shapes`)
    }
    return new Residual(body, shortcut)
  }

  /** The layer's tensors with this role; there must be exactly these, of these sizes. */
  #take(path: string, role: Tensor['role'], sizes: readonly number[]): readonly Parameter[] {
    const found = tensorsAt(this.#tensors, path, role)
    if (found.map((tensor) => tensor.size).join() !== sizes.join()) {
      const have = found.map((tensor) => `${tensor.name}: ${tensor.size}`).join(', ') || 'nothing'
      throw new RecordError(
        `${path} needs ${role} tensors of sizes ${sizes.join(', ')}, has ${have}`,
      )
    }
    return found.map((tensor) => {
      this.#unbound.delete(tensor)
      const end = tensor.offset + tensor.size
      return {
        values: this.#state.subarray(tensor.offset, end),
        gradient: this.#sum.subarray(tensor.offset, end),
      }
    })
  }
}
