import type { StepRequest } from '../cluster/cluster.js'
import type { StepEvent, TestResult } from '../run/events.js'

/** The devices of a run as one: a step is asked for, and comes back committed. */
export interface LoopCluster {
  /** Committed steps. */
  readonly committed: number
  /** Names of the devices that take part, in rank order; fewer once one was lost. */
  readonly devices: readonly string[]
  /**
   * Trains on the next samples of the epoch: dealt to the devices, computed, reduced, committed by
   * all. What fails on the way is done again without those who failed.
   *
   * @throws CANCELLED when the run is stopped, or has made the steps that `maxSteps` asks for; what ended the run, if no device can go on
   */
  step(request?: StepRequest): Promise<StepEvent>
  /** Evaluates over the whole test set. Undefined without one, and where the run's options want none. */
  evaluate(): Promise<TestResult | undefined>
  /** Writes the committed weights as safetensors; what was there stays until they are whole. */
  save(file: string): Promise<void>
}

/** What a run trains on, and for how long its options want it to. */
export interface LoopData {
  readonly name: string
  /** Samples of the training and of the test set. */
  readonly train: number
  readonly test: number
  /** Samples of a step. */
  readonly batch: number
  readonly epochs: number
  readonly stepsPerEpoch: number
  /** Of the run: epochs × stepsPerEpoch, or fewer where fewer were asked for. */
  readonly totalSteps: number
}

export interface LoopContext {
  readonly cluster: LoopCluster
  readonly data: LoopData
  /** Tells the user's program something, as the event `log`. */
  readonly log: (entry: string | Readonly<Record<string, unknown>>) => void
  /** Aborts when the run is stopped. */
  readonly signal: AbortSignal
}

export type Loop = (context: LoopContext) => Promise<void> | void

export interface LoopDefinition {
  readonly kind: 'loop'
  readonly run: Loop
}

/**
 * A training loop as a module: its default export. It runs in the run's own thread, asks the
 * cluster for one step after the other, and decides what comes next; the run ends when it returns.
 */
export function defineLoop(run: Loop): LoopDefinition {
  return { kind: 'loop', run }
}
