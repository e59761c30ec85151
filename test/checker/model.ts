/**
 * The model as run.json describes it (docs/run-record.md, Arithmetic). Written
 * down again here on purpose: the checker shares no code with what it checks.
 */
export interface Description {
  readonly input: readonly number[]
  readonly layers: readonly LayerDescription[]
  readonly classes: number
}

export type Padding = 'same' | 'valid'

export interface WindowDescription {
  readonly size: number
  readonly stride: number
  readonly padding: Padding
}

export type LayerDescription =
  | (ConvolutionDescription & { readonly kind: 'conv2d'; readonly filters: number })
  | (ConvolutionDescription & { readonly kind: 'depthwiseConv2d' })
  | { readonly kind: 'dense'; readonly units: number; readonly bias: boolean }
  | { readonly kind: 'groupNorm'; readonly groups: number; readonly epsilon: number }
  | { readonly kind: 'batchNorm'; readonly epsilon: number; readonly momentum: number }
  | { readonly kind: 'relu' | 'relu6' }
  | (WindowDescription & { readonly kind: 'maxPool' | 'averagePool' })
  | { readonly kind: 'globalAveragePool' | 'flatten' }
  | ResidualDescription

export interface ConvolutionDescription {
  readonly kernel: number
  readonly stride: number
  readonly padding: Padding
  readonly bias: boolean
}

export interface ResidualDescription {
  readonly kind: 'residual'
  readonly body: readonly LayerDescription[]
  readonly shortcut: readonly LayerDescription[]
}

/** Where a tensor lies in the flat state, in f32 elements. */
export interface Tensor {
  readonly name: string
  readonly role: 'weight' | 'statistic'
  readonly shape: readonly number[]
  readonly offset: number
  readonly size: number
}

/** Tensors of the layer at `path` (`3.residual.body.1.groupNorm.`) with this role, in their order. */
export function tensorsAt(
  tensors: readonly Tensor[],
  path: string,
  role: Tensor['role'],
): readonly Tensor[] {
  return tensors.filter(
    (tensor) =>
      tensor.role === role &&
      tensor.name.startsWith(path) &&
      !tensor.name.slice(path.length).includes('.'),
  )
}

/** Every layer with its path, residual ones before what they contain. */
export function* walk(
  layers: readonly LayerDescription[],
  prefix = '',
): Generator<{ path: string; layer: LayerDescription }> {
  for (const [index, layer] of layers.entries()) {
    const path = `${prefix}${index}.${layer.kind}.`
    yield { path, layer }
    if (layer.kind !== 'residual') continue
    yield* walk(layer.body, `${path}body.`)
    yield* walk(layer.shortcut, `${path}shortcut.`)
  }
}

/** True where a layer couples the samples of a shard. */
export function couplesSamples(description: Description): boolean {
  for (const { layer } of walk(description.layers)) if (layer.kind === 'batchNorm') return true
  return false
}
