import type { ErrorRecord, KaitianError } from '@kaitian/errors'

/** What a run tells the user's thread while it goes on: plain data, one channel. */
export interface TrainEvents {
  ready: ReadyEvent
  generation: GenerationEvent
  step: StepEvent
  fault: FaultEvent
  epoch: EpochEvent
  log: LogEvent
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
  readonly endsEpoch: boolean
  /** Mean cross-entropy over the step's samples, nats. */
  readonly loss: number
  readonly trainAccuracy: number
  readonly learningRate: number
  /** Wall time from when the step was asked for to its commit, attempts that failed included. */
  readonly stepMs: number
  readonly times: StepTimes
  /** What reductions cost beyond compute: times.reduceMs ÷ stepMs. */
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

/** What a step's wall time was spent on, ms; they add up to `stepMs`. */
export interface StepTimes {
  /** Until the attempt that was committed was handed out: dealing, reading, attempts that failed. */
  readonly planMs: number
  /** The slowest device's. */
  readonly computeMs: number
  /** From the end of compute until the sums were there, on the device that waited least: in the group, over the bridge. */
  readonly reduceMs: number
  /** Divide, optimise, digest, on the device that took longest. */
  readonly updateMs: number
  /** Orders on their way to the devices, votes on theirs back, and the commit. */
  readonly messageMs: number
}

export interface DeviceStep {
  readonly device: string
  readonly group: string
  readonly quota: number
  /** Compute as the scheduler sees it; shaped when a pace is set. Collectives and waits excluded. */
  readonly computeMs: number
  /** The engine's own compute, without the pace. */
  readonly ownComputeMs: number
  /** How long it waited for slower devices, reducing excluded. */
  readonly waitMs: number
}

/** What a loop has logged. */
export interface LogEvent {
  /** A text is its `message`. */
  readonly entry: Readonly<Record<string, unknown>>
}

/** Something went wrong or was injected, and what was done. */
export interface FaultEvent {
  readonly kind: 'killed' | 'slowed' | 'down' | 'aborted' | 'unevaluated'
  readonly device?: string
  readonly message: string
}

export interface EpochEvent {
  readonly epoch: number
  /** Wall time from when the epoch's first step was asked for to the commit of its last. */
  readonly ms: number
  readonly steps: number
  readonly samples: number
  /** The run ended in the middle of it, by `maxSteps`, a stop or a failure: the rest was not trained on. */
  readonly partial?: true
  readonly loss: number
  readonly trainAccuracy: number
  /** An engine `sim` took part: losses and accuracies are not those of the model. */
  readonly simulated?: true
  /** Over the whole test set, after the epoch's last step. */
  readonly test?: TestResult
}

export interface TestResult {
  readonly samples: number
  /** Mean cross-entropy, nats. */
  readonly loss: number
  readonly accuracy: number
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
  /** Sum of times.reduceMs ÷ sum of stepMs. */
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
