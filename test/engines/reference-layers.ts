import type { Layer, Model } from '@kaitian/train/model'

// The forward pass of each kind of layer, straight from its definition.

/** Of all samples, one after the other; `shape` is that of one of them. */
interface Images {
  shape: number[]
  values: Float64Array
}

/** What the layers of one pass share. */
export interface Context {
  model: Model
  state: Float64Array
  count: number
  training: boolean
  /** The batch's moments by tensor name: written by what normalises. */
  statistics: Map<string, Float64Array>
}

/** Layer after layer. `prefix` is that of their tensors' names. */
export function chain(context: Context, layers: readonly Layer[], x: Images, prefix = ''): Images {
  return layers.reduce(
    (value, layer, i) => apply(context, layer, value, `${prefix}${i}.${layer.kind}`),
    x,
  )
}

function apply(context: Context, layer: Layer, x: Images, name: string): Images {
  switch (layer.kind) {
    case 'conv2d':
      return convolution(context, layer, x, name, layer.filters)
    case 'depthwiseConv2d':
      return convolution(context, layer, x, name, undefined)
    case 'dense':
      return dense(context, x, name, layer.units)
    case 'groupNorm':
      return groupNorm(context, x, name, layer.groups, layer.epsilon)
    case 'batchNorm':
      return batchNorm(context, x, name, layer.epsilon)
    case 'relu':
      return { ...x, values: x.values.map((value) => Math.max(value, 0)) }
    case 'relu6':
      return { ...x, values: x.values.map((value) => Math.min(Math.max(value, 0), 6)) }
    case 'maxPool':
      return pool(context, layer, x, (cells) => Math.max(...cells))
    case 'averagePool':
      return pool(context, layer, x, (cells) => cells.reduce((a, b) => a + b) / cells.length)
    case 'globalAveragePool':
      return globalAverage(context, x)
    case 'flatten':
      return { ...x, shape: [x.shape.reduce((a, b) => a * b)] }
    case 'residual': {
      const body = chain(context, layer.body, x, `${name}.body.`)
      const shortcut = chain(context, layer.shortcut, x, `${name}.shortcut.`)
      return { ...body, values: body.values.map((value, i) => value + shortcut.values[i]) }
    }
  }
}

function tensor({ model, state }: Context, name: string): Float64Array | undefined {
  const slot = model.layout.tensors.find((each) => each.name === name)
  return slot && state.subarray(slot.offset, slot.offset + slot.size)
}

type Sliding = { size: number; stride: number; padding: 'same' | 'valid' }

/** Visits output positions and the cells of their windows that lie inside. */
function slide(
  count: number,
  [height, width]: number[],
  { size, stride, padding }: Sliding,
  visit: (output: number, cells: { pixel: number; tap: number }[]) => void,
): number[] {
  const [down, across] = [height, width].map((length) => {
    if (padding === 'valid') return { output: Math.floor((length - size) / stride) + 1, before: 0 }
    const output = Math.ceil(length / stride)
    return { output, before: Math.max(0, ((output - 1) * stride + size - length) >> 1) }
  })
  for (let n = 0; n < count; n++) {
    for (let oh = 0; oh < down.output; oh++) {
      for (let ow = 0; ow < across.output; ow++) {
        const cells = []
        for (let tap = 0; tap < size * size; tap++) {
          const h = oh * stride - down.before + Math.floor(tap / size)
          const w = ow * stride - across.before + (tap % size)
          if (h < 0 || w < 0 || h >= height || w >= width) continue
          cells.push({ pixel: (n * height + h) * width + w, tap })
        }
        visit((n * down.output + oh) * across.output + ow, cells)
      }
    }
  }
  return [down.output, across.output]
}

function convolution(
  context: Context,
  layer: { kernel: number; stride: number; padding: 'same' | 'valid' },
  x: Images,
  name: string,
  filters: number | undefined,
): Images {
  const kernel = tensor(context, `${name}.kernel`)!
  const bias = tensor(context, `${name}.bias`)
  const channels = x.shape[2]
  const outputs = filters ?? channels
  const values: number[] = []
  const shape = slide(context.count, x.shape, { ...layer, size: layer.kernel }, (output, cells) => {
    for (let f = 0; f < outputs; f++) {
      let sum = bias?.[f] ?? 0
      for (const { pixel, tap } of cells) {
        if (filters === undefined) {
          sum += x.values[pixel * channels + f] * kernel[tap * channels + f]
          continue
        }
        for (let c = 0; c < channels; c++) {
          sum += x.values[pixel * channels + c] * kernel[(tap * channels + c) * outputs + f]
        }
      }
      values[output * outputs + f] = sum
    }
  })
  return { shape: [...shape, outputs], values: Float64Array.from(values) }
}

function pool(
  { count }: Context,
  layer: Sliding,
  x: Images,
  reduce: (cells: number[]) => number,
): Images {
  const channels = x.shape[2]
  const values: number[] = []
  const shape = slide(count, x.shape, layer, (output, cells) => {
    for (let c = 0; c < channels; c++) {
      values[output * channels + c] = reduce(
        cells.map(({ pixel }) => x.values[pixel * channels + c]),
      )
    }
  })
  return { shape: [...shape, channels], values: Float64Array.from(values) }
}

function globalAverage({ count }: Context, x: Images): Images {
  const channels = x.shape[2]
  const pixels = x.values.length / count / channels
  const values = new Float64Array(count * channels)
  x.values.forEach((value, i) => {
    values[Math.floor(i / (pixels * channels)) * channels + (i % channels)] += value / pixels
  })
  return { shape: [channels], values }
}

function dense(context: Context, x: Images, name: string, units: number): Images {
  const kernel = tensor(context, `${name}.kernel`)!
  const bias = tensor(context, `${name}.bias`)
  const features = x.shape[0]
  const values = new Float64Array(context.count * units)
  for (let n = 0; n < context.count; n++) {
    for (let u = 0; u < units; u++) {
      let sum = bias?.[u] ?? 0
      for (let f = 0; f < features; f++) sum += x.values[n * features + f] * kernel[f * units + u]
      values[n * units + u] = sum
    }
  }
  return { shape: [units], values }
}

function groupNorm(
  context: Context,
  x: Images,
  name: string,
  groups: number,
  epsilon: number,
): Images {
  const size = x.values.length / context.count
  return normalised(
    context,
    x,
    name,
    epsilon,
    (i, c, channels) => Math.floor(i / size) * groups + Math.floor((c * groups) / channels),
  )
}

function batchNorm(context: Context, x: Images, name: string, epsilon: number): Images {
  if (context.training) return normalised(context, x, name, epsilon, (_, c) => c)
  const [mean, variance] = ['mean', 'variance'].map((part) => tensor(context, `${name}.${part}`)!)
  return affine(
    context,
    x,
    name,
    (value, c) => (value - mean[c]) / Math.sqrt(variance[c] + epsilon),
  )
}

/** Normalises each value over those that share its key. */
function normalised(
  context: Context,
  x: Images,
  name: string,
  epsilon: number,
  keyOf: (index: number, channel: number, channels: number) => number,
): Images {
  const channels = x.shape[x.shape.length - 1]
  const members = new Map<number, number[]>()
  x.values.forEach((value, i) => {
    const key = keyOf(i, i % channels, channels)
    const values = members.get(key)
    if (values) values.push(value)
    else members.set(key, [value])
  })
  const moments = new Map(
    [...members].map(([key, values]) => {
      const mean = values.reduce((a, b) => a + b) / values.length
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length
      return [key, { mean, variance }]
    }),
  )
  const all = [...moments.values()]
  context.statistics.set(
    `${name}.mean`,
    Float64Array.from(all, ({ mean }) => mean),
  )
  context.statistics.set(
    `${name}.variance`,
    Float64Array.from(all, ({ variance }) => variance),
  )
  return affine(context, x, name, (value, c, i) => {
    const { mean, variance } = moments.get(keyOf(i, c, channels))!
    return (value - mean) / Math.sqrt(variance + epsilon)
  })
}

function affine(
  context: Context,
  x: Images,
  name: string,
  normal: (value: number, channel: number, index: number) => number,
): Images {
  const channels = x.shape[x.shape.length - 1]
  const scale = tensor(context, `${name}.scale`)!
  const bias = tensor(context, `${name}.bias`)!
  const values = x.values.map((value, i) => {
    const c = i % channels
    return normal(value, c, i) * scale[c] + bias[c]
  })
  return { ...x, values }
}
