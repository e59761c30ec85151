import { seededRandom, systemClock } from '@kaitian/actors'
import type { Batch } from '@kaitian/train/engines'
import { openTfjsEngine, type TfjsEngine } from '@kaitian/train/engines/tfjs'
import {
  conv2d,
  defineModel,
  dense,
  depthwiseConv2d,
  globalAveragePool,
  groupNorm,
  initialWeights,
  maxPool,
  relu6,
  residual,
  type Model,
} from '@kaitian/train/model'

/** One of each, small enough to run in milliseconds. */
export const mixedModel = defineModel({
  input: [16, 16, 3],
  layers: [
    conv2d({ filters: 16 }),
    groupNorm({ groups: 4 }),
    relu6(),
    maxPool(),
    residual(
      [depthwiseConv2d(), conv2d({ filters: 32, stride: 2 }), groupNorm({ groups: 4 }), relu6()],
      [conv2d({ filters: 32, kernel: 1, stride: 2 })],
    ),
    globalAveragePool(),
    dense({ units: 10 }),
  ],
  classes: 10,
})

export async function openEngine(model: Model, seed = 1): Promise<TfjsEngine> {
  const engine = await openTfjsEngine({ model, clock: systemClock, device: 'cpu:0', settings: {} })
  engine.load(initialWeights(model, seed))
  return engine
}

export function randomBatch(model: Model, count: number, key = 'batch'): Batch {
  const random = seededRandom(key)
  const size = model.description.input.reduce((a, b) => a * b)
  const { classes } = model.description
  return {
    count,
    inputs: Float32Array.from({ length: count * size }, () => random.normal()),
    labels: Uint8Array.from({ length: count }, () => random.integer(classes)),
    ids: Uint32Array.from({ length: count }, (_, i) => i),
  }
}

export function gradientOf(engine: TfjsEngine, model: Model, batch: Batch): Float32Array {
  const into = new Float32Array(model.layout.stateSize).fill(NaN)
  engine.gradient(batch, into, () => {})
  return into
}

export interface Work {
  count: number
  seed: number
}

/** The mixed model's gradient in a fresh engine. */
export async function gradientBits({ count, seed }: Work): Promise<Uint8Array> {
  const engine = await openEngine(mixedModel, seed)
  const gradient = gradientOf(engine, mixedModel, randomBatch(mixedModel, count))
  engine.dispose()
  return new Uint8Array(gradient.buffer)
}
