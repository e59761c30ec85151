import {
  cifar10,
  conv2d,
  defineTask,
  dense,
  globalAveragePool,
  groupNorm,
  relu6,
  sgd,
  syntheticImages,
} from 'kaitian'

/**
 * Group norm keeps samples independent, so a device may compute all of its shards at once.
 *
 * @param {number} filters
 */
function block(filters, stride = 1) {
  return [conv2d({ filters, stride }), groupNorm({ groups: 8 }), relu6()]
}

/** CIFAR-10 where its folder is given; otherwise ten classes of made-up images of the same size. */
export default defineTask({
  name: 'cifar',
  model: {
    input: [32, 32, 3],
    layers: [
      ...block(16),
      ...block(32, 2),
      ...block(32),
      ...block(64, 2),
      ...block(64),
      globalAveragePool(),
      dense({ units: 10 }),
    ],
    classes: 10,
  },
  data: ({ folder, seed }) =>
    folder === undefined ? syntheticImages({ seed, train: 10_000, test: 2000 }) : cifar10(folder),
  augmentation: { crop: 4, flip: true },
  optimiser: sgd({
    learningRate: 0.05,
    momentum: 0.9,
    weightDecay: 5e-4,
    warmupSteps: 50,
    schedule: 'cosine',
  }),
  batch: 32,
  shard: 4,
  epochs: 10,
})
