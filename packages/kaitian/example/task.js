import {
  conv2d,
  defineTask,
  dense,
  globalAveragePool,
  groupNorm,
  relu6,
  sgd,
  syntheticImages,
} from 'kaitian'

/** @param {number} filters */
const block = (filters, stride = 1) => [
  conv2d({ filters, stride }),
  groupNorm({ groups: 4 }),
  relu6(),
]

// Ten classes of made-up images, and a network that learns them within seconds.
export default defineTask({
  name: 'example',
  model: {
    input: [32, 32, 3],
    layers: [...block(8, 2), ...block(16, 2), globalAveragePool(), dense({ units: 10 })],
    classes: 10,
  },
  data: ({ seed }) => syntheticImages({ seed, train: 1000, test: 200 }),
  optimiser: sgd({ learningRate: 0.1, momentum: 0.9 }),
  batch: 20,
  shard: 2,
  epochs: 3,
})
