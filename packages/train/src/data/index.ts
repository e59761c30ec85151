export {
  normalisation,
  packImage,
  variationOf,
  type Augmentation,
  type Variation,
} from './augment.js'
export { readCifar10 } from './cifar10.js'
export {
  allocateSamples,
  dataSetOf,
  elementsOf,
  type DataSet,
  type RawSamples,
  type Samples,
} from './dataset.js'
export { permutation } from './permutation.js'
export { synthesiseImages } from './synthetic.js'
export { ShardFeed, type FeedOptions, type PackPool } from './feed.js'
export { batchOf, type FeedLayout, type ShardSlot } from './layout.js'
export { takeWithin } from './take-within.js'
export { packShards, type PackTask, type ShardToPack } from './pack.js'
