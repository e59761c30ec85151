import { KaitianError } from '@kaitian/errors'
import { nearest } from '../schema/checked.js'
import type { Layer, ModelDescription } from './model.js'

/** Sizes of one sample's axes, without the batch. */
export type Shape = readonly number[]

/** Labels travel as Uint8Array. */
const MAX_CLASSES = 256

const WINDOW_KEYS = ['kernel', 'stride', 'padding', 'bias']
const POOL_KEYS = ['size', 'stride', 'padding']

/** What each kind of layer is described by, beside its kind. */
const LAYER_KEYS: Readonly<Record<Layer['kind'], readonly string[]>> = {
  conv2d: ['filters', ...WINDOW_KEYS],
  depthwiseConv2d: WINDOW_KEYS,
  dense: ['units', 'bias'],
  groupNorm: ['groups', 'epsilon'],
  batchNorm: ['epsilon', 'momentum'],
  relu: [],
  relu6: [],
  maxPool: POOL_KEYS,
  averagePool: POOL_KEYS,
  globalAveragePool: [],
  flatten: [],
  residual: ['body', 'shortcut'],
}

/** What does not depend on the layers; throws BAD_MODEL. */
export function checkHead(description: ModelDescription): void {
  refuseStrangers('model', description, ['input', 'layers', 'classes'])
  const { input, classes, layers } = description
  if (!Array.isArray(input) || (input.length !== 1 && input.length !== 3) || !input.every(isSize)) {
    refuse(
      'input',
      `the shape of a sample is [height, width, channels] or [features] in whole numbers ≥ 1, ` +
        `not ${JSON.stringify(input)}.`,
    )
  }
  if (!Array.isArray(layers) || layers.length === 0) refuse('layers', 'give at least one layer.')
  if (!isSize(classes) || classes < 2 || classes > MAX_CLASSES) {
    refuse('classes', `the number of classes lies between 2 and ${MAX_CLASSES}, not ${classes}.`)
  }
}

/** Checks one layer's numbers and that it fits the shape it is given; throws BAD_MODEL. */
export function checkLayer(layer: Layer, input: Shape, name: string): void {
  const kind: unknown = layer?.kind
  if (typeof kind === 'string' && Object.hasOwn(LAYER_KEYS, kind)) {
    refuseStrangers(name, layer, ['kind', ...LAYER_KEYS[layer.kind]])
    if ('bias' in layer) requireFlag(name, 'bias', layer.bias)
  }
  switch (layer?.kind) {
    case 'conv2d':
      requireSize(name, 'filters', layer.filters)
      return checkWindow(name, layer.kernel, layer.stride, layer.padding, input)
    case 'depthwiseConv2d':
      return checkWindow(name, layer.kernel, layer.stride, layer.padding, input)
    case 'maxPool':
    case 'averagePool':
      return checkWindow(name, layer.size, layer.stride, layer.padding, input)
    case 'dense':
      requireSize(name, 'units', layer.units)
      if (input.length === 1) return
      return refuse(
        name,
        `a dense layer takes [features] but gets ${show(input)}; put flatten() or ` +
          `globalAveragePool() before it.`,
      )
    case 'groupNorm':
      requireSize(name, 'groups', layer.groups)
      requirePositive(name, 'epsilon', layer.epsilon)
      return checkGroups(name, layer.groups, input)
    case 'batchNorm':
      requirePositive(name, 'epsilon', layer.epsilon)
      if (layer.momentum > 0 && layer.momentum <= 1) return
      return refuse(name, `momentum lies in (0, 1], not ${layer.momentum}.`)
    case 'globalAveragePool':
      return requireImage(name, input)
    case 'flatten':
    case 'relu':
    case 'relu6':
      return
    case 'residual':
      if (Array.isArray(layer.body) && layer.body.length > 0 && Array.isArray(layer.shortcut))
        return
      return refuse(name, 'a residual needs at least one layer in its body and a shortcut list.')
    default:
      return refuse(name, 'this kind of layer is unknown; use the builder functions.')
  }
}

/** A misspelt key would leave the default in force without a word. */
function refuseStrangers(name: string, described: object, known: readonly string[]): void {
  const stranger = Object.keys(described).find((key) => !known.includes(key))
  if (stranger === undefined) return
  const near = nearest(stranger, known)
  const hint = near === undefined ? `; known are ${known.join(', ')}.` : `; did you mean ${near}?`
  refuse(name, `${stranger} is not known here${hint}`)
}

function checkGroups(name: string, groups: number, input: Shape): void {
  const channels = input[input.length - 1]
  if (channels % groups === 0) return
  refuse(name, `${groups} groups do not divide ${channels} channels; choose a divisor.`)
}

function checkWindow(
  name: string,
  size: number,
  stride: number,
  padding: string,
  input: Shape,
): void {
  requireImage(name, input)
  requireSize(name, 'window size', size)
  requireSize(name, 'stride', stride)
  if (padding !== 'same' && padding !== 'valid') {
    refuse(name, `padding is 'same' or 'valid', not ${JSON.stringify(padding)}.`)
  }
  if (padding === 'valid' && (size > input[0] || size > input[1])) {
    refuse(
      name,
      `a ${size}×${size} window does not fit into ${show(input)}; make it smaller or use padding 'same'.`,
    )
  }
}

function requireImage(name: string, input: Shape): void {
  if (input.length === 3) return
  refuse(name, `this layer takes [height, width, channels] but gets ${show(input)}.`)
}

function requireSize(name: string, what: string, value: unknown): void {
  if (!isSize(value)) refuse(name, `${what} is a whole number ≥ 1, not ${String(value)}.`)
}

function requireFlag(name: string, what: string, value: unknown): void {
  if (typeof value !== 'boolean') refuse(name, `${what} is true or false, not ${String(value)}.`)
}

function requirePositive(name: string, what: string, value: number): void {
  if (!(value > 0 && value < Infinity)) refuse(name, `${what} is a number above 0, not ${value}.`)
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

function show(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

function refuse(layer: string, why: string): never {
  const place = layer.includes('.')
    ? `Layer ${layer}`
    : layer === 'model'
      ? 'The model'
      : `The model's ${layer}`
  throw new KaitianError('BAD_MODEL', `${place}: ${why}`, { fields: { layer } })
}
