import type { ModelDescription } from '../model/model.js'
import type { DataSet } from '../data/dataset.js'

/** The user's module: its default export, made by `defineTask`. */
export interface Task {
  readonly name: string
  readonly model: ModelDescription
  /** Loads the data; `folder` is --data or KAITIAN_DATA, absent when neither is given. */
  readonly data: (options: { folder?: string; seed: number }) => Promise<DataSet> | DataSet
  readonly augmentation?: { readonly crop: number; readonly flip: boolean }
  readonly optimiser: SgdOptions
  readonly batch: number
  readonly shard: number
  readonly epochs: number
}

/** SGD with momentum (heavy ball) and L2 weight decay; the one optimiser implementation. */
export interface SgdOptions {
  readonly kind: 'sgd'
  readonly learningRate: number
  readonly momentum: number
  readonly weightDecay: number
  /** Steps of linear warm-up. */
  readonly warmupSteps: number
  /** After the warm-up: constant, or cosine down to 0 at the end of the run. */
  readonly schedule: 'constant' | 'cosine'
}
