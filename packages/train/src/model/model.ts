/**
 * A model as data: what layers, in what order. An engine compiles it; initial
 * weights come from `initialWeights`, outside the engines, so that every
 * engine starts from the same bits.
 */
export interface ModelDescription {
  /** Shape of one sample, without the batch: [height, width, channels] for images, [features] otherwise. */
  readonly input: readonly number[]
  readonly layers: readonly Layer[]
  /** The loss is softmax cross-entropy over this many classes. */
  readonly classes: number
}

export type Layer =
  | Conv2d
  | DepthwiseConv2d
  | Dense
  | GroupNorm
  | BatchNorm
  | Activation
  | Pool
  | GlobalAveragePool
  | Flatten
  | Residual

export interface Conv2d {
  readonly kind: 'conv2d'
  readonly filters: number
  readonly kernel: number
  readonly stride: number
  readonly padding: 'same' | 'valid'
  readonly bias: boolean
}

export interface DepthwiseConv2d {
  readonly kind: 'depthwiseConv2d'
  readonly kernel: number
  readonly stride: number
  readonly padding: 'same' | 'valid'
  readonly bias: boolean
}

export interface Dense {
  readonly kind: 'dense'
  readonly units: number
  readonly bias: boolean
}

export interface GroupNorm {
  readonly kind: 'groupNorm'
  readonly groups: number
  readonly epsilon: number
}

/** Couples the samples of a shard: each shard is computed alone (ghost batch norm, arXiv 1705.08741). */
export interface BatchNorm {
  readonly kind: 'batchNorm'
  readonly epsilon: number
  /** running = (1 − momentum)·running + momentum·batch */
  readonly momentum: number
}

export interface Activation {
  readonly kind: 'relu' | 'relu6'
}

export interface Pool {
  readonly kind: 'maxPool' | 'averagePool'
  readonly size: number
  readonly stride: number
  readonly padding: 'same' | 'valid'
}

export interface GlobalAveragePool {
  readonly kind: 'globalAveragePool'
}

export interface Flatten {
  readonly kind: 'flatten'
}

/** body(x) + shortcut(x); an empty shortcut is the identity. */
export interface Residual {
  readonly kind: 'residual'
  readonly body: readonly Layer[]
  readonly shortcut: readonly Layer[]
}

/** A checked description with shapes worked out. */
export interface Model {
  readonly description: ModelDescription
  readonly layout: Layout
  /** True where a layer couples the samples of a batch (batch norm). */
  readonly couplesSamples: boolean
  /** Multiply-adds of one sample's forward pass. */
  readonly multiplyAdds: number
}

/**
 * Where each tensor lies in the flat vectors. Weights first, in the order of
 * the layers, then running statistics; offsets and sizes in f32 elements.
 */
export interface Layout {
  readonly tensors: readonly TensorSlot[]
  /** Elements that the optimiser updates. */
  readonly weightSize: number
  /** weightSize + running statistics. */
  readonly stateSize: number
}

export interface TensorSlot {
  /** Unique, stable, for files: `0.conv2d.kernel`, `3.residual.body.1.groupNorm.scale`. */
  readonly name: string
  readonly role: 'weight' | 'statistic'
  readonly shape: readonly number[]
  readonly offset: number
  readonly size: number
}
