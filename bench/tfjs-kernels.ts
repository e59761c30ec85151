/**
 * The tfjs engine against stock tfjs on the same back end, in one run: what a
 * step costs, what the replaced gradient kernels cost, and how far the results
 * lie from tfjs' cpu back end.
 *
 *   node bench/dist/tfjs-kernels.js [--json] [--rounds 7]
 *
 * Rounds are interleaved (ours, stock, ours, …) and judged by the median of the
 * rounds' ratios, so that load from elsewhere hits both sides.
 */
import { parseArgs } from 'node:util'
import { seededRandom, systemClock } from '@kaitian/actors'
import { engineFactory, type Batch, type Engine } from '@kaitian/train/engines'
import { conv2DBackpropFilterConfig, registerTrainingKernels } from '@kaitian/train/engines/tfjs'
import {
  conv2d,
  defineModel,
  dense,
  globalAveragePool,
  groupNorm,
  initialWeights,
  relu6,
  type Layer,
} from '@kaitian/train/model'
import * as tf from '@tensorflow/tfjs'
import type { KernelConfig, NamedAttrMap, NamedTensorInfoMap } from '@tensorflow/tfjs'

const BATCH = 64
/** The cpu back end needs about a second an image. */
const CHECKED = 4
const STAGES = [
  { filters: 16, stride: 1 },
  { filters: 32, stride: 2 },
  { filters: 32, stride: 1 },
  { filters: 64, stride: 2 },
  { filters: 64, stride: 1 },
]
const GROUPS = 8
const CLASSES = 10

const block = ({ filters, stride }: (typeof STAGES)[number]): Layer[] => [
  conv2d({ filters, stride }),
  groupNorm({ groups: GROUPS }),
  relu6(),
]
const model = defineModel({
  input: [32, 32, 3],
  layers: [...STAGES.flatMap(block), globalAveragePool(), dense({ units: CLASSES })],
  classes: CLASSES,
})
const weights = initialWeights(model, 1)

interface Comparison {
  readonly name: string
  readonly goal: number
  /** Stock time / our time. */
  readonly ratio: number
  readonly ratios: readonly number[]
  readonly oursMs: number
  readonly stockMs: number
  /** ‖ours − cpu back end‖ / ‖cpu back end‖ */
  readonly relativeError: number
}

const { values: options } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '7' } },
})
const rounds = Math.max(5, Number(options.rounds))
const comparisons = [await wholeStep(), ...(await kernels())]
if (options.json)
  console.log(JSON.stringify({ bench: 'tfjs-kernels', rounds, comparisons }, null, 2))
else print(comparisons)

/** Forward and backward of a CNN with group norm; stock has only the missing kernel added. */
async function wholeStep(): Promise<Comparison> {
  await tf.setBackend('wasm')
  if (!tf.getKernel('Conv2DBackpropFilter', 'wasm')) tf.registerKernel(conv2DBackpropFilterConfig)
  const engine = await engineFactory('tfjs')({
    model,
    clock: systemClock,
    device: 'cpu:0',
    settings: {},
  })
  await engine.load(weights)
  const relativeError = await errorOfStep(engine)

  await tf.setBackend('wasm')
  const batch = randomBatch(BATCH)
  const into = new Float32Array(model.layout.stateSize)
  const stock = stockStep(batch)
  const timed = await interleave(
    () => void engine.gradient(batch, into, () => {}),
    () => stock.run(),
  )
  stock.dispose()
  await engine.dispose()
  const name = `CNN step, ${(model.multiplyAdds / 1e6).toFixed(1)} M multiply-adds, batch ${BATCH}`
  return { name, goal: 3, ...timed, relativeError }
}

async function errorOfStep(engine: Engine): Promise<number> {
  const batch = randomBatch(CHECKED)
  const into = new Float32Array(model.layout.stateSize)
  await engine.gradient(batch, into, () => {})
  await tf.setBackend('cpu')
  const reference = stockStep(batch)
  const expected = reference.run()
  reference.dispose()
  return relativeDistance(into, expected)
}

/** The same model of tfjs ops, with `tf.grads`; gradients of the summed loss in the layout's order. */
function stockStep(batch: Batch): { run(): Float32Array; dispose(): void } {
  const tensors = model.layout.tensors.map(({ shape, offset, size }) =>
    tf.tensor(weights.slice(offset, offset + size), [...shape]),
  )
  const x = tf.tensor4d(batch.inputs, [batch.count, 32, 32, 3])
  const labels = tf.oneHot(tf.tensor1d(Int32Array.from(batch.labels), 'int32'), CLASSES)
  const loss = (...parameters: tf.Tensor[]) =>
    tf.neg(tf.sum(tf.mul(labels, tf.logSoftmax(stockForward(x, parameters) as tf.Tensor2D))))
  const gradients = tf.grads(loss)
  return {
    run() {
      const results = gradients(tensors)
      const flat = new Float32Array(model.layout.weightSize)
      results.forEach((gradient, i) =>
        flat.set(gradient.dataSync(), model.layout.tensors[i].offset),
      )
      tf.dispose(results)
      return flat
    },
    dispose: () => tf.dispose([...tensors, x, labels]),
  }
}

function stockForward(x: tf.Tensor4D, parameters: tf.Tensor[]): tf.Tensor {
  let value = x
  STAGES.forEach(({ stride }, i) => {
    const [kernel, scale, bias] = parameters.slice(3 * i, 3 * i + 3)
    value = tf.conv2d(value, kernel as tf.Tensor4D, stride, 'same')
    value = tf.relu6(stockGroupNorm(value, scale, bias))
  })
  const [kernel, bias] = parameters.slice(3 * STAGES.length)
  return tf.add(tf.matMul(tf.mean(value, [1, 2]), kernel), bias)
}

function stockGroupNorm(x: tf.Tensor4D, scale: tf.Tensor, bias: tf.Tensor): tf.Tensor4D {
  const [count, height, width, channels] = x.shape
  const split = tf.reshape(x, [count, height * width, GROUPS, channels / GROUPS])
  const { mean, variance } = tf.moments(split, [1, 3], true)
  const normal = tf.mul(tf.sub(split, mean), tf.rsqrt(tf.add(variance, 1e-5)))
  return tf.add(tf.mul(tf.reshape(normal, x.shape), scale), bias)
}

interface KernelCase {
  readonly name: string
  readonly kernel: string
  readonly shapes: Readonly<Record<string, number[]>>
  readonly attributes: NamedAttrMap
}

/** The replaced kernels one by one, called as tfjs would call them. */
async function kernels(): Promise<Comparison[]> {
  await tf.setBackend('wasm')
  const convolution = (count: number, side: number, channels: number): KernelCase => ({
    name: `conv 3×3 input gradient, ${count}×${side}×${side}×${channels}→${channels}`,
    kernel: 'Conv2DBackpropInput',
    shapes: { dy: [count, side, side, channels], filter: [3, 3, channels, channels] },
    attributes: {
      strides: 1,
      pad: 'same',
      dataFormat: 'NHWC',
      inputShape: [count, side, side, channels],
    },
  })
  const product = (name: string, a: number[], b: number[], transposeA: boolean): KernelCase => ({
    name,
    kernel: 'BatchMatMul',
    shapes: { a, b },
    attributes: { transposeA, transposeB: !transposeA },
  })
  const cases = [
    convolution(BATCH, 16, 32),
    convolution(BATCH, 8, 64),
    product('dense kernel gradient, 64×1024ᵀ · 64×256', [64, 1024], [64, 256], true),
    product('dense input gradient, 64×256 · 1024×256ᵀ', [64, 256], [1024, 256], false),
  ]
  const stock = cases.map(({ kernel }) => tf.getKernel(kernel, 'wasm'))
  registerTrainingKernels()
  const results: Comparison[] = []
  for (const [i, each] of cases.entries()) results.push(await compareKernel(each, stock[i]))
  return results
}

async function compareKernel(each: KernelCase, stock: KernelConfig): Promise<Comparison> {
  await tf.setBackend('cpu')
  const expected = callKernel(tf.getKernel(each.kernel, 'cpu'), each).values
  await tf.setBackend('wasm')
  const ours = tf.getKernel(each.kernel, 'wasm')
  const relativeError = relativeDistance(callKernel(ours, each).values, expected)
  const timed = await interleave(callKernel(ours, each).repeat, callKernel(stock, each).repeat)
  return { name: each.name, goal: 5, ...timed, relativeError }
}

function callKernel({ kernelFunc }: KernelConfig, { shapes, attributes }: KernelCase) {
  const random = seededRandom('kernel')
  const inputs: NamedTensorInfoMap = {}
  for (const [name, shape] of Object.entries(shapes)) {
    const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () =>
      random.normal(),
    )
    inputs[name] = tf.tensor(values, shape)
  }
  const backend = tf.backend()
  const call = () => [kernelFunc({ inputs, attrs: attributes, backend })].flat()[0]
  const repeat = () => void backend.disposeData(call().dataId)
  return { values: backend.readSync(call().dataId) as Float32Array, repeat }
}

/** Two rounds to warm up, then the timed ones. */
async function interleave(ours: () => void, stock: () => void) {
  const time = (body: () => void) => {
    const start = systemClock.now()
    body()
    return systemClock.now() - start
  }
  const pairs: { ours: number; stock: number }[] = []
  for (let round = 0; round < rounds + 2; round++) {
    pairs.push({ ours: time(ours), stock: time(stock) })
    await systemClock.sleep(0)
  }
  const timed = pairs.slice(2)
  const ratios = timed.map((pair) => pair.stock / pair.ours)
  return {
    ratio: median(ratios),
    ratios,
    oursMs: median(timed.map((pair) => pair.ours)),
    stockMs: median(timed.map((pair) => pair.stock)),
  }
}

function randomBatch(count: number): Batch {
  const random = seededRandom('batch')
  return {
    count,
    inputs: Float32Array.from({ length: count * 32 * 32 * 3 }, () => random.normal()),
    labels: Uint8Array.from({ length: count }, () => random.integer(CLASSES)),
    ids: Uint32Array.from({ length: count }, (_, i) => i),
  }
}

function relativeDistance(actual: Float32Array, expected: Float32Array): number {
  let difference = 0
  let norm = 0
  expected.forEach((value, i) => {
    difference += (actual[i] - value) ** 2
    norm += value ** 2
  })
  return Math.sqrt(difference / norm)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function print(results: readonly Comparison[]): void {
  for (const { name, goal, ratio, ratios, oursMs, stockMs, relativeError } of results) {
    const spread = `${Math.min(...ratios).toFixed(1)}–${Math.max(...ratios).toFixed(1)}`
    console.log(name)
    console.log(`  ours ${oursMs.toFixed(2)} ms, stock ${stockMs.toFixed(2)} ms`)
    console.log(
      `  ${ratio.toFixed(1)} times as fast (${spread} over ${rounds} rounds, goal ${goal})`,
    )
    console.log(`  relative L2 error against the cpu back end ${relativeError.toExponential(1)}`)
  }
}
