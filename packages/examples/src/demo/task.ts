import {
  conv2d,
  defineTask,
  dense,
  globalAveragePool,
  groupNorm,
  relu6,
  sgd,
  syntheticImages,
  type Layer,
} from 'kaitian'
import { DATA, TRAINING } from './parameters.js'

function block(filters: number, stride = 1): Layer[] {
  return [conv2d({ filters, stride }), groupNorm({ groups: 4 }), relu6()]
}

/** 1.2 million multiply-adds a sample: small enough to train within the demo's minute. */
export default defineTask({
  name: 'demo',
  model: {
    input: [32, 32, 3],
    layers: [
      ...block(8, 2),
      ...block(16),
      ...block(32, 2),
      ...block(32),
      globalAveragePool(),
      dense({ units: 10 }),
    ],
    classes: 10,
  },
  data: ({ seed }) => syntheticImages({ seed, ...DATA }),
  augmentation: { crop: 2, flip: true },
  optimiser: sgd({
    learningRate: TRAINING.learningRate,
    momentum: 0.9,
    weightDecay: 1e-4,
    warmupSteps: TRAINING.warmupSteps,
    schedule: 'cosine',
  }),
  batch: TRAINING.batch,
  shard: TRAINING.shard,
  epochs: TRAINING.epochs,
})
