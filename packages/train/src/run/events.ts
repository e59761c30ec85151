import type { ErrorRecord, KaitianError } from '@kaitian/errors'

/** What a run tells the user's thread while it goes on: plain data, one channel. */
export interface TrainEvents {
  ready: ReadyEvent
  generation: GenerationEvent
  step: StepEvent
  fault: FaultEvent
  epoch: EpochEvent
  end: RunSummary
}

/** The same as it crosses threads, where an error would lose its code and fields. */
export interface SentEvents extends Omit<TrainEvents, 'end'> {
  end: SentSummary
}

export interface SentSummary extends Omit<RunSummary, 'error'> {
  readonly error?: ErrorRecord
}

export interface ReadyEvent {
  readonly task: string
  readonly dataSet: string
  readonly trainSamples: number
  readonly testSamples: number
  readonly epochs: number
  /** Steps that the run is to commit: those of all epochs, or `maxSteps` where that is less. */
  readonly steps: number
  readonly batch: number
  readonly shard: number
  readonly weights: number
  readonly mode: 'fp32' | 'deterministic'
  readonly seed: number
  /** Which collectives run, and why: `native (g++ 12, AVX2)`, `typescript (no compiler …)`. */
  readonly backend: string
  /** Where no group was named: the group that was chosen, as it would be written, and why. */
  readonly groupsChosen?: string
  readonly devices: readonly DeviceReport[]
}

export interface DeviceReport {
  readonly device: string
  readonly group: string
  readonly engine: string
  readonly description: string
  /** Present when the pace is shaped, that is, simulated. */
  readonly pace?: { readonly alphaMs: number; readonly betaMs: number }
}

export interface GenerationEvent {
  readonly generation: number
  readonly members: readonly { readonly group: string; readonly device: string }[]
  readonly cause: string
}

/** One committed step. */
export interface StepEvent {
  readonly generation: number
  /** From 0. */
  readonly epoch: number
  /** Step of the epoch, from 0. */
  readonly step: number
  /** Committed steps of the run, this one included. */
  readonly committed: number
  /** Samples of this step, and of this epoch committed so far. */
  readonly size: number
  readonly cursor: number
  /** Mean cross-entropy over the step's samples, nats. */
  readonly loss: number
  readonly trainAccuracy: number
  readonly learningRate: number
  /** From the plan to the commit decision. */
  readonly stepMs: number
  /** (stepMs − slowest device's compute) ÷ stepMs. */
  readonly communicationShare: number
  readonly devices: readonly DeviceStep[]
  /** The scheduler's reason, and whether quotas moved. */
  readonly reason: string
  readonly moved: boolean
  readonly digest: string
  /**
   * Steps before this one that were committed but not told, since more than a thousand events were
   * waiting for the listener's thread. Absent where there are none.
   */
  readonly skipped?: number
}

export interface DeviceStep {
  readonly device: string
  readonly group: string
  readonly quota: number
  /** Compute as the scheduler sees it; shaped when a pace is set. Collectives and waits excluded. */
  readonly computeMs: number
  /** The engine's own compute, without the pace. */
  readonly ownComputeMs: number
}

/** Something went wrong or was injected, and what was done. */
export interface FaultEvent {
  readonly kind: 'killed' | 'slowed' | 'down' | 'aborted' | 'unevaluated'
  readonly device?: string
  readonly message: string
}

export interface EpochEvent {
  readonly epoch: number
  /** Training time of the epoch, evaluation excluded. */
  readonly ms: number
  readonly steps: number
  readonly samples: number
  /** The run ended in the middle of it, by `maxSteps`, a stop or a failure: the rest was not trained on. */
  readonly partial?: true
  readonly loss: number
  readonly trainAccuracy: number
  /** An engine `sim` took part: losses and accuracies are not those of the model. */
  readonly simulated?: true
  readonly test?: { readonly samples: number; readonly loss: number; readonly accuracy: number }
}

export interface RunSummary {
  /** `finished`: all steps were committed. `stopped`: somebody asked for the end before that. */
  readonly outcome: 'finished' | 'stopped' | 'failed'
  /** Why it failed; present then alone. */
  readonly error?: KaitianError
  readonly epochs: readonly EpochEvent[]
  readonly steps: number
  readonly samples: number
  /** Of the whole run, set-up excluded. */
  readonly ms: number
  readonly samplesPerSecond: number
  /** Sum of (stepMs − slowest compute) ÷ sum of stepMs. */
  readonly communicationShare: number
  readonly generations: number
  /** State digest of each surviving device after the last commit; all equal. Empty where none could tell. */
  readonly digests: Readonly<Record<string, string>>
  /** Share of device-steps whose own compute exceeded the pace; absent without a pace. */
  readonly paceExceeded?: number
  readonly recordFolder?: string
  /** What became of the final weights; present when they were to be saved. */
  readonly save?: SaveReport
}

export interface SaveReport {
  readonly file: string
  /** Without it what was at that path has not changed. */
  readonly written: boolean
  /** Why they were not. */
  readonly reason?: string
}
