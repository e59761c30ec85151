import { sizeOf, traceLayers, type TracedLayer } from '../../model/trace.js'
import type { Layer, Model, TensorSlot } from '../../model/model.js'
import { windowAxis } from '../../model/window.js'
import type { WindowShape } from './kernels/conv-shape.js'
import type { Clamp, Rows } from './kernels/normalise.js'
import { Chain, Sum } from './ops/chain.js'
import { Convolution } from './ops/conv.js'
import { Dense } from './ops/dense.js'
import { BatchNormalisation, GroupNormalisation } from './ops/norm.js'
import type { Op } from './ops/op.js'
import { Activation, Flatten, GlobalAverage, Pooling } from './ops/plain.js'

const CLAMP: Record<'relu' | 'relu6' | 'none', Clamp> = {
  relu: { low: 0, high: Infinity },
  relu6: { low: 0, high: 6 },
  none: { low: -Infinity, high: Infinity },
}

type Slots = (traced: TracedLayer, part: string) => TensorSlot | undefined

/** A model's layers as ops: an activation behind a norm is fused into it. */
export function compile(model: Model): Chain {
  const slots = new Map(model.layout.tensors.map((slot) => [slot.name, slot]))
  const slotOf: Slots = (traced, part) => slots.get(`${traced.name}.${part}`)
  return compileChain(traceLayers(model.description), false, slotOf)
}

function compileChain(layers: readonly TracedLayer[], inputGradient: boolean, slots: Slots): Chain {
  const ops: Op[] = []
  let wanted = inputGradient
  for (let i = 0; i < layers.length; i++) {
    const fused = isNorm(layers[i].layer) ? activationOf(layers[i + 1]?.layer) : undefined
    const op = compileLayer(layers[i], wanted, fused ?? CLAMP.none, slots)
    if (fused !== undefined) i++
    ops.push(op)
    wanted ||= op.hasWeights
  }
  return new Chain(ops, inputGradient)
}

function compileLayer(traced: TracedLayer, inputGradient: boolean, clamp: Clamp, slots: Slots): Op {
  const { layer, input, output } = traced
  const weights = { kernel: slots(traced, 'kernel')!, bias: slots(traced, 'bias'), inputGradient }
  switch (layer.kind) {
    case 'conv2d':
    case 'depthwiseConv2d': {
      const shape = { ...windowOf(traced, layer.kernel, layer), filters: output[2] }
      return new Convolution({ ...weights, shape, depthwise: layer.kind === 'depthwiseConv2d' })
    }
    case 'dense':
      return new Dense(weights)
    case 'groupNorm':
      return new GroupNormalisation({
        ...normOf(traced, clamp, slots),
        groups: layer.groups,
        epsilon: layer.epsilon,
      })
    case 'batchNorm': {
      const running = { mean: slots(traced, 'mean')!, variance: slots(traced, 'variance')! }
      return new BatchNormalisation({
        ...normOf(traced, clamp, slots),
        ...running,
        epsilon: layer.epsilon,
      })
    }
    case 'relu':
    case 'relu6':
      return new Activation(sizeOf(input), CLAMP[layer.kind])
    case 'maxPool':
    case 'averagePool':
      return new Pooling(layer.kind, windowOf(traced, layer.size, layer))
    case 'globalAveragePool':
      return new GlobalAverage(rowsOf(traced))
    case 'flatten':
      return new Flatten()
    case 'residual': {
      const body = compileChain(traced.body, inputGradient, slots)
      const shortcut = compileChain(traced.shortcut, inputGradient, slots)
      return new Sum(body, shortcut, { input: sizeOf(input), output: sizeOf(output) })
    }
  }
}

function isNorm({ kind }: Layer): boolean {
  return kind === 'groupNorm' || kind === 'batchNorm'
}

function activationOf(layer: Layer | undefined): Clamp | undefined {
  return layer?.kind === 'relu' || layer?.kind === 'relu6' ? CLAMP[layer.kind] : undefined
}

function normOf(traced: TracedLayer, clamp: Clamp, slots: Slots) {
  const [scale, bias] = [slots(traced, 'scale')!, slots(traced, 'bias')!]
  return { shape: rowsOf(traced), clamp, scale, bias }
}

/** Pixels (one for features) and channels of the input. */
function rowsOf({ input }: TracedLayer): Rows {
  const channels = input[input.length - 1]
  return { rows: sizeOf(input) / channels, channels }
}

function windowOf(
  { input }: TracedLayer,
  size: number,
  { stride, padding }: { stride: number; padding: 'same' | 'valid' },
): Omit<WindowShape, 'count'> {
  const [inHeight, inWidth, channels] = input
  const vertical = windowAxis(inHeight, size, stride, padding)
  const horizontal = windowAxis(inWidth, size, stride, padding)
  return {
    inHeight,
    inWidth,
    channels,
    outHeight: vertical.output,
    outWidth: horizontal.output,
    kernelHeight: size,
    kernelWidth: size,
    strideHeight: stride,
    strideWidth: stride,
    top: vertical.before,
    bottom: vertical.after,
    left: horizontal.before,
    right: horizontal.after,
  }
}
