import type {
  Activation,
  BatchNorm,
  Conv2d,
  Dense,
  DepthwiseConv2d,
  Flatten,
  GlobalAveragePool,
  GroupNorm,
  Layer,
  Pool,
  Residual,
} from './model.js'

// Layers with their usual defaults. Nothing is checked here: `defineModel`
// checks a whole description at once and can say where a layer stands.

/** k×k convolution over [height, width, channels]; no bias by default, since a norm mostly follows. */
export function conv2d(options: {
  filters: number
  kernel?: number
  stride?: number
  padding?: Conv2d['padding']
  bias?: boolean
}): Conv2d {
  return { kind: 'conv2d', kernel: 3, stride: 1, padding: 'same', bias: false, ...options }
}

/** k×k convolution of each channel by itself. */
export function depthwiseConv2d(
  options: {
    kernel?: number
    stride?: number
    padding?: DepthwiseConv2d['padding']
    bias?: boolean
  } = {},
): DepthwiseConv2d {
  return { kind: 'depthwiseConv2d', kernel: 3, stride: 1, padding: 'same', bias: false, ...options }
}

/** Fully connected layer over [features]. */
export function dense(options: { units: number; bias?: boolean }): Dense {
  return { kind: 'dense', bias: true, ...options }
}

/** Normalises each sample over groups of channels (arXiv 1803.08494); samples stay independent. */
export function groupNorm(options: { groups: number; epsilon?: number }): GroupNorm {
  return { kind: 'groupNorm', epsilon: 1e-5, ...options }
}

/** Normalises over the shard (arXiv 1502.03167). Couples samples, so shards are computed one by one. */
export function batchNorm(options: { epsilon?: number; momentum?: number } = {}): BatchNorm {
  return { kind: 'batchNorm', epsilon: 1e-5, momentum: 0.1, ...options }
}

export function relu(): Activation {
  return { kind: 'relu' }
}

export function relu6(): Activation {
  return { kind: 'relu6' }
}

type PoolOptions = { size?: number; stride?: number; padding?: Pool['padding'] }

/** The stride is the window's size unless it is given. */
export function maxPool(options: PoolOptions = {}): Pool {
  return { kind: 'maxPool', ...pooling(options) }
}

/** Averages over the part of a window that lies inside the image. */
export function averagePool(options: PoolOptions = {}): Pool {
  return { kind: 'averagePool', ...pooling(options) }
}

/** Keeps what is not known, for the check to find. */
function pooling({ size = 2, stride = size, padding = 'valid', ...rest }: PoolOptions) {
  return { size, stride, padding, ...rest }
}

/** [height, width, channels] → [channels]. */
export function globalAveragePool(): GlobalAveragePool {
  return { kind: 'globalAveragePool' }
}

/** [height, width, channels] → [height × width × channels]. */
export function flatten(): Flatten {
  return { kind: 'flatten' }
}

/** body(x) + shortcut(x); without a shortcut body(x) + x. */
export function residual(body: readonly Layer[], shortcut: readonly Layer[] = []): Residual {
  return { kind: 'residual', body, shortcut }
}
