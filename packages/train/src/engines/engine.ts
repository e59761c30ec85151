import type { Clock } from '@kaitian/actors'
import type { Model } from '../model/model.js'

/**
 * What computes gradients on a device context. One instance per device actor,
 * in its thread. An engine never updates parameters: division and optimiser
 * are one implementation for all engines.
 */
export interface Engine {
  readonly name: string
  /** What this engine runs on, for the log: versions, SIMD, threads. */
  readonly description: string

  /**
   * Makes `parameters` current (f32, `model.layout.stateSize` values: weights,
   * then running statistics). Called before the first step and after a commit.
   */
  load(parameters: Float32Array): void | Promise<void>

  /**
   * Computes the **sum** (not the mean) of the samples' gradients.
   *
   * Writes the first `model.layout.stateSize` values of `into`: gradient sums
   * of the weights, then for each running statistic the sum over samples of
   * the batch statistic (batch statistic × batch.count). The last layer is
   * written first: `ready(from)` says that `into[from .. stateSize)` is final
   * and is called with falling `from`, at the end with 0.
   *
   * Bits depend only on the parameters and on the batch's content and shape.
   *
   * What `ready` throws ends the computation. A computation that waits for something ends when
   * `signal` aborts.
   */
  gradient(
    batch: Batch,
    into: Float32Array,
    ready: (from: number) => void,
    signal?: AbortSignal,
  ): BatchResult | Promise<BatchResult>

  /** Takes the cost of first use, before any step is timed: compilers, caches, memory. */
  warmUp?(): void | Promise<void>

  /** Loss and hits with the running statistics; no gradient. */
  evaluate(batch: Batch): BatchResult | Promise<BatchResult>

  dispose(): void | Promise<void>
}

/** `count` samples, laid out one after the other. Views, valid until the call has returned. */
export interface Batch {
  readonly count: number
  /** f32 [count, ...model.input], row-major (images: NHWC). */
  readonly inputs: Float32Array
  /** Class of each sample, [count]. */
  readonly labels: Uint8Array
  /** Identity of each sample in the data set, [count]. */
  readonly ids: Uint32Array
}

/** Sums over the samples of one batch. */
export interface BatchResult {
  readonly count: number
  /** Sum of the samples' cross-entropy losses, in nats. */
  readonly lossSum: number
  /** Samples whose largest logit is the label's. */
  readonly correct: number
}

export interface EngineOptions {
  readonly model: Model
  readonly clock: Clock
  /** `vendor:ordinal` of the device the engine runs for. */
  readonly device: string
  /** Engine-specific settings from the command line or the world. */
  readonly settings: Readonly<Record<string, unknown>>
}

export type EngineFactory = (options: EngineOptions) => Promise<Engine>
